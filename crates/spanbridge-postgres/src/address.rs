//! The URL of a PostgreSQL.

use crate::error::{Error, ErrorKind, Result};
use crate::parameters;
use crate::server::Server;
use std::fmt;
use std::str::FromStr;

/// The schema of the tables, for URLs without one.
const SCHEMA: &str = "spanbridge";

/// PostgreSQL cuts longer names.
const MAX_NAME: usize = 63;

/// Where a PostgreSQL is: `postgres://[user[:password]@][host][:port][,host[:port]…][/database][?parameters]`, as libpq means it.
/// `postgresql://` is the same.
///
/// What is missing comes from the environment: `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGPASSWORD`, `PGSSLMODE` and
/// `PGSSLROOTCERT`. Besides the parameters of libpq (`sslmode`, `sslrootcert`, `connect_timeout` and others) there is `schema=NAME`: the
/// schema of the tables; default: `spanbridge`.
///
/// ```
/// use spanbridge_postgres::Address;
/// let address: Address = "postgres://ada:secret@db1/shop?schema=traces".parse()?;
/// assert_eq!(address.to_string(), "postgres://ada@db1:5432/shop?schema=traces");
/// # Ok::<(), spanbridge_postgres::Error>(())
/// ```
#[derive(Clone)]
pub struct Address {
    pub(crate) server: Server,
    pub(crate) schema: String,
}

impl Address {
    /// Whether a text is meant to be such a URL.
    pub fn is_one(text: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// The same, with the tables in another schema.
    ///
    /// # Errors
    /// [`ErrorKind::Url`]: the name is empty, has more than 63 bytes or a NUL.
    pub fn with_schema(self, schema: impl Into<String>) -> Result<Self> {
        let schema = schema.into();
        match schema.is_empty() || schema.len() > MAX_NAME || schema.contains('\0') {
            true => Err(Error::new(ErrorKind::Url, "read the URL of a PostgreSQL: a schema has 1 to 63 bytes")),
            false => Ok(Self { schema, ..self }),
        }
    }

    /// The schema, as it is written in SQL.
    pub(crate) fn quoted_schema(&self) -> String {
        format!("\"{}\"", self.schema.replace('"', "\"\""))
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        if !Self::is_one(url) {
            let why = "it begins with neither postgres:// nor postgresql://";
            return Err(Error::new(ErrorKind::Url, format!("read the URL of a PostgreSQL: {why}")));
        }
        let (url, [schema]) = parameters::take(url, ["schema"]);
        let server = Server::new(&url, |name| std::env::var(name).ok())?.with_application_name("spanbridge");
        Self { server, schema: SCHEMA.to_owned() }.with_schema(schema.unwrap_or_else(|| SCHEMA.to_owned()))
    }
}

/// Without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@{}", self.server.user(), self.server.name)?;
        if self.schema == SCHEMA { Ok(()) } else { write!(f, "?schema={}", self.schema) }
    }
}

/// Without the password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_url_says() {
        for (url, shown) in [
            ("postgres://u:p@db/d", "postgres://u@db:5432/d"),
            ("postgresql://u@a,b:1/d", "postgres://u@a:5432,b:1/d"),
            ("postgres://u@[::1]:5433/d?schema=s&sslmode=disable", "postgres://u@[::1]:5433/d?schema=s"),
            ("postgres://u@db/d?sslmode=disable&schema=a%20b&connect_timeout=3", "postgres://u@db:5432/d?schema=a b"),
        ] {
            let address: Address = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(address.to_string(), shown, "{url}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "postgres://u:s%2Fe:cret@db/d".parse().unwrap();
        assert!(!format!("{address} {address:?}").contains("cret"));
        for url in [
            "postgres://u:secret@db:port/d",
            "postgres://u:secret@db/d?secret=1",
            "http://u:secret@db",
            "postgres://u:secret@db/d?sslmode=secret",
        ] {
            let error = url.parse::<Address>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Url, "{url}");
            assert!(url.ends_with("=secret") || !format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_schema_is_a_name() {
        let quoted = |url: &str| url.parse::<Address>().map(|address| address.quoted_schema());
        assert_eq!(quoted("postgres://h/d?schema=a%22b").unwrap(), "\"a\"\"b\"");
        assert!(quoted(&format!("postgres://h/d?schema={}", "x".repeat(64))).is_err());
        assert!(quoted("postgres://h/d?schema=%00").is_err());
    }

    proptest! {
        #[test]
        fn any_text_may_be_given(text in "postgres://([ -~é]|schema|=|[?&%@:/])*") {
            if let Ok(address) = text.parse::<Address>() {
                let _ = address.to_string();
            }
        }
    }
}

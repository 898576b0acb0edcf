//! Connecting to a database: for the engine, and for `spanbridge state follow`.

use crate::error::{Error, ErrorKind};
use crate::parameters;
use crate::tls::{Given, Tls};
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};

/// How long the server may take to answer when a connection is begun.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A database, and how to reach it.
#[derive(Clone)]
pub struct Server {
    config: Config,
    tls: Tls,
    /// Host, port and database, for messages.
    pub name: String,
}

impl Server {
    /// Reads a URL or pairs. What is missing comes from the environment, as libpq takes it: `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`,
    /// `PGPASSWORD`, `PGSSLMODE`, `PGSSLROOTCERT`.
    pub fn new(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        // What the parser says of a text that it cannot read may quote a part of the password.
        let unreadable = || Error::new(ErrorKind::Url, "read the connection string of PostgreSQL: it is not one");
        let advised = || {
            unreadable().advice(
                "  Give postgres://USER@HOST:PORT/DATABASE, with %XX for special characters, or key=value pairs.",
            )
        };
        if has_password_in_place(text) {
            return Err(advised());
        }
        let (text, [mode, root]) = parameters::take(text, ["sslmode", "sslrootcert"]);
        let mut config: Config = text.parse().map_err(|_| advised())?;
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        if config.get_hosts().is_empty() {
            config.host(variable("PGHOST").unwrap_or_else(|| "localhost".to_owned()));
        }
        if config.get_ports().is_empty() {
            let port = variable("PGPORT").and_then(|port| port.parse().ok());
            config.port(port.unwrap_or(5432));
        }
        if config.get_user().is_none() {
            config.user(variable("PGUSER").or_else(|| variable("USER")).unwrap_or_else(|| "postgres".to_owned()));
        }
        if config.get_dbname().is_none() {
            let user = config.get_user().unwrap_or_default().to_owned();
            config.dbname(variable("PGDATABASE").unwrap_or(user));
        }
        if let (None, Some(password)) = (config.get_password(), variable("PGPASSWORD")) {
            config.password(password);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.keepalives_idle(Duration::from_secs(30));
        let name = name(&config);
        let tls = Tls::new(Given { mode, root }, &mut config, &variable)?;
        Ok(Self { config, tls, name })
    }

    /// The same, and the server shows this name of the program.
    pub fn with_application_name(mut self, name: &str) -> Self {
        self.config.application_name(name);
        self
    }

    /// Who logs in.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// Connects, and runs statements that set up the session. The connection is served by a task of the current runtime.
    pub async fn connect(&self, session: &str) -> Result<Client, Error> {
        let doing = format!("connect to {}", self.name);
        // The timeout of the library is about the connection alone. Whoever accepts it may be no PostgreSQL, and say nothing.
        let one = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let all = one.saturating_mul(self.config.get_hosts().len() as u32 + 1);
        tokio::time::timeout(all, self.connect_within(&doing, session)).await.unwrap_or_else(|_| {
            let why = format!("{doing}: it accepts connections, and says nothing for {} s", all.as_secs());
            Err(Error::new(ErrorKind::Unreachable, why))
        })
    }

    async fn connect_within(&self, doing: &str, session: &str) -> Result<Client, Error> {
        let connected = match self.config.connect(self.tls.connector()).await {
            Err(error) if self.tls.falls_back(&error) => {
                self.config.clone().ssl_mode(SslMode::Disable).connect(self.tls.connector()).await
            }
            connected => connected,
        };
        let (client, connection) = connected.map_err(|error| Tls::failed(doing, &error))?;
        // It ends with the client. What it has to say, the client's calls say, too.
        tokio::spawn(async move { drop(connection.await) });
        client.batch_execute(session).await.map_err(|e| Error::of(doing, &e))?;
        Ok(client)
    }

    /// Cancels what a connection waits for.
    pub async fn cancel(&self, client: &Client) {
        // If it cannot be cancelled, it ends later.
        let _ = client.cancel_token().cancel_query(self.tls.connector()).await;
    }
}

/// Whether a URL has an @ behind the one that ends the password: then that ended too early, and its rest would be taken for a host or a
/// database, and shown.
fn has_password_in_place(text: &str) -> bool {
    let url = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
    let place = url.and_then(|url| url.split_once('@')).map(|(_, place)| place);
    place.is_some_and(|place| place.split('?').next().is_some_and(|place| place.contains('@')))
}

/// Host, port and database. Neither user nor password.
fn name(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let port = config.get_ports().get(at).or(config.get_ports().first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(host) if host.contains(':') => format!("[{host}]:{port}"),
            Host::Tcp(host) => format!("{host}:{port}"),
            #[cfg(unix)]
            Host::Unix(path) => format!("{}:{port}", path.display()),
        }
    });
    format!("{}/{}", hosts.collect::<Vec<_>>().join(","), config.get_dbname().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str, environment: &[(&str, &str)]) -> Result<Server, Error> {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Server::new(text, find)
    }

    #[test]
    fn what_is_missing_is_in_the_environment() {
        let environment = [("PGPASSWORD", "secret"), ("PGDATABASE", "shop"), ("PGPORT", ""), ("USER", "anna")];
        let of = server("postgres://db.example.com", &environment).expect("a URL");
        assert_eq!(of.name, "db.example.com:5432/shop");
        assert_eq!((of.config.get_password(), of.config.get_user()), (Some(&b"secret"[..]), Some("anna")));
        let of = server("postgres://u:own@[::1]:5433/other", &environment).expect("a URL");
        assert_eq!((&*of.name, of.config.get_password()), ("[::1]:5433/other", Some(&b"own"[..])));
        assert_eq!(server("host=/run/pg dbname=shop", &[]).expect("pairs").name, "/run/pg:5432/shop");
    }

    /// Passwords with characters that end them too early are in what the parser complains about.
    #[test]
    fn no_part_of_a_password_is_shown() {
        for text in
            ["postgres://u:sec?ret=x@h/d", "postgres://u:secret@h:secret/d", "host=h password='secret", "secret"]
        {
            let error = server(text, &[]).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.contains("sec") && !error.contains("ret="), "{error}");
        }
        for text in [
            "postgres://u:a@secret@h/d",
            "postgresql://u:a@b/secret@h/d?connect_timeout=1",
            "postgres://u:a@b,secret@h",
        ] {
            let error = server(text, &[]).err().expect("an error").to_string();
            assert!(!error.contains("secret") && error.contains("%XX"), "{error}");
        }
        let of = server("postgres://u:secret@h/d", &[]).expect("a URL");
        assert!(!of.name.contains("secret") && !format!("{:?}", of.config).contains("secret"));
    }

    /// Something else listens there, and waits for a request.
    #[test]
    fn a_server_that_says_nothing_is_given_up() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = silent.local_addr().expect("an address").port();
        for mode in ["disable", "prefer"] {
            let url = format!("postgres://u@127.0.0.1:{port}/d?connect_timeout=1&sslmode={mode}");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let connected = runtime.block_on(server(&url, &[]).expect("a URL").connect(""));
            let error = connected.map(drop).expect_err("nobody answers");
            assert_eq!(error.kind(), ErrorKind::Unreachable);
            assert!(error.to_string().ends_with("says nothing for 2 s"), "{error}");
        }
    }
}

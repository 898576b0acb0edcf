//! Encrypted connections, to a server with a certificate. The role `sealed` may log in with encryption only, the role `open` without
//! only.

use super::support::{Database, connect, follow_with, on_server};
use spanbridge_cli::follow::{ErrorKind, Options};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use xtask::postgres::Server;

/// For a certificate with dates of ours.
const EXPIRED: &str = "[ca]
default_ca = it
[it]
database = index
new_certs_dir = .
serial = serial
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
subjectAltName = DNS:localhost
basicConstraints = CA:TRUE
";

/// Runs openssl. Its arguments are parted by spaces.
fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output().expect("openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate for `localhost` and who issued it; and one that has issued itself, as PostgreSQL's documentation makes it.
fn certificates() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    fs::write(path.join("names"), "subjectAltName=DNS:localhost\n").expect("written");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout";
    openssl(path, &format!("req -x509 {key} ca.key -out ca.crt -days 30 -subj /CN=ca"));
    openssl(path, &format!("req -new {key} server.key -out server.csr -subj /CN=localhost"));
    openssl(
        path,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile names -out server.crt",
    );
    openssl(
        path,
        &format!(
            "req -x509 {key} itself.key -out itself.crt -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        ),
    );
    fs::write(path.join("ca.cnf"), EXPIRED).expect("written");
    fs::write(path.join("index"), "").expect("written");
    fs::write(path.join("serial"), "01").expect("written");
    openssl(path, &format!("req -new {key} old.key -out old.csr -subj /CN=localhost"));
    let past = "-startdate 200101000000Z -enddate 200201000000Z";
    openssl(
        path,
        &format!("ca -batch -notext -selfsign -config ca.cnf -keyfile old.key -in old.csr -out old.crt {past}"),
    );
    directory
}

struct Encrypted {
    server: Server,
    database: Database,
    certificates: TempDir,
}

impl Encrypted {
    /// A server that has this certificate.
    async fn start(name: &str) -> Option<Self> {
        xtask::postgres::url()?;
        let server = Server::start().expect("a server");
        let database = on_server(server.url(), "tls").await;
        let certificates = certificates();
        let data = server.directory().join("data");
        let owner = fs::metadata(&data).expect("the data directory");
        for (from, to, mode) in
            [(format!("{name}.crt"), "server.crt", 0o644), (format!("{name}.key"), "server.key", 0o600)]
        {
            let to = data.join(to);
            fs::copy(certificates.path().join(from), &to).expect("copied");
            fs::set_permissions(&to, fs::Permissions::from_mode(mode)).expect("set");
            chown(&to, Some(owner.uid()), Some(owner.gid())).expect("owned by the server");
        }
        let access = "hostssl all sealed all trust\nhostnossl all open all trust\nhostnossl all postgres all trust\n";
        fs::write(data.join("pg_hba.conf"), access).expect("written");
        for sql in [
            "CREATE TABLE orders (id int PRIMARY KEY)",
            "CREATE ROLE sealed LOGIN SUPERUSER",
            "CREATE ROLE open LOGIN SUPERUSER",
            "ALTER SYSTEM SET ssl = on",
            "SELECT pg_reload_conf()",
        ] {
            database.run(sql).await;
        }
        let this = Encrypted { server, database, certificates };
        // The server reads it when it gets to it.
        while this
            .follow("open", "127.0.0.1", "sslmode=require")
            .await
            .err()
            .is_none_or(|(_, text)| text.contains("not support TLS"))
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await
        }
        Some(this)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.certificates.path().join(name)
    }

    fn url(&self, role: &str, host: &str, parameters: &str) -> String {
        let database = self.database.options.slot.as_str();
        format!("postgres://{role}@{host}:{}/{database}?{parameters}", self.server.port())
    }

    /// Follows once.
    async fn follow(&self, role: &str, host: &str, parameters: &str) -> Result<(), (ErrorKind, String)> {
        let mut options: Options = self.database.options.clone();
        options.postgres = self.url(role, host, parameters);
        follow_with(&options).await.map(drop).map_err(|error| (error.kind(), error.to_string()))
    }

    async fn refused(&self, role: &str, host: &str, parameters: &str) -> (ErrorKind, String) {
        self.follow(role, host, parameters).await.expect_err(parameters)
    }
}

/// `disable`, `prefer`, `require` and `allow`, without a root certificate: as libpq means them.
#[tokio::test]
async fn modes_without_a_root_certificate() {
    let Some(server) = Encrypted::start("server").await else { return };
    for parameters in ["", "sslmode=prefer", "sslmode=allow", "sslmode=require"] {
        server.follow("sealed", "127.0.0.1", parameters).await.expect(parameters);
    }
    let (kind, text) = server.refused("sealed", "127.0.0.1", "sslmode=disable").await;
    assert!(kind == ErrorKind::Refused && text.contains("no encryption"), "{kind:?} {text}");
    // Refused with encryption, `prefer` tries without.
    for parameters in ["", "sslmode=prefer", "sslmode=disable"] {
        server.follow("open", "127.0.0.1", parameters).await.expect(parameters);
    }
    let (kind, text) = server.refused("open", "127.0.0.1", "sslmode=require").await;
    assert!(kind == ErrorKind::Refused && text.contains("no pg_hba.conf entry"), "{kind:?} {text}");
    // What follows is read over the encrypted connection.
    server.database.run("INSERT INTO orders VALUES (1)").await;
    server.follow("sealed", "127.0.0.1", "sslmode=require").await.expect("followed");
    assert_eq!(server.database.mutations().len(), 1);
}

/// Who issued the certificate, and for whom.
#[tokio::test]
async fn certificates_are_verified() {
    let Some(server) = Encrypted::start("server").await else { return };
    let root = |name: &str| format!("sslrootcert={}", server.file(name).display());
    for (host, mode) in [("127.0.0.1", "require"), ("127.0.0.1", "verify-ca"), ("localhost", "verify-full")] {
        let parameters = format!("sslmode={mode}&{}", root("ca.crt"));
        server.follow("sealed", host, &parameters).await.expect(&parameters);
        let (kind, text) = server.refused("sealed", host, &format!("sslmode={mode}&{}", root("itself.crt"))).await;
        assert_eq!(kind, ErrorKind::Encryption, "{text}");
        assert!(text.contains("UnknownIssuer") && text.contains("sslrootcert=FILE"), "{text}");
    }
    let (kind, text) = server.refused("sealed", "127.0.0.1", &format!("sslmode=verify-full&{}", root("ca.crt"))).await;
    assert_eq!(kind, ErrorKind::Encryption, "{text}");
    assert!(text.contains("not valid for name") && text.contains("sslmode=verify-ca"), "{text}");
    // The system does not know who issued it.
    let (kind, text) = server.refused("sealed", "localhost", "sslmode=verify-full&sslrootcert=system").await;
    assert!(kind == ErrorKind::Encryption && text.contains("UnknownIssuer"), "{kind:?} {text}");
}

/// A certificate that has issued itself is given as its own root, and may issue others, too.
#[tokio::test]
async fn certificate_as_its_own_root() {
    let Some(server) = Encrypted::start("itself").await else { return };
    let root = |name: &str| format!("sslmode=verify-full&sslrootcert={}", server.file(name).display());
    server.follow("sealed", "localhost", &root("itself.crt")).await.expect("its own root");
    let (kind, text) = server.refused("sealed", "127.0.0.1", &root("itself.crt")).await;
    assert!(kind == ErrorKind::Encryption && text.contains("not valid for name"), "{kind:?} {text}");
    let (kind, _) = server.refused("sealed", "localhost", &root("ca.crt")).await;
    assert_eq!(kind, ErrorKind::Encryption);
}

/// One that has expired is refused, even if it is given as the root.
#[tokio::test]
async fn expired_certificate_is_refused() {
    let Some(server) = Encrypted::start("old").await else { return };
    let parameters = format!("sslmode=verify-full&sslrootcert={}", server.file("old.crt").display());
    let (kind, text) = server.refused("sealed", "localhost", &parameters).await;
    assert!(kind == ErrorKind::Encryption && text.contains("expired"), "{kind:?} {text}");
}

/// Parameters from the environment, and the roots of the system, by the command.
#[tokio::test]
async fn encryption_by_the_environment() {
    let Some(server) = Encrypted::start("server").await else { return };
    let run = |variables: &[(&str, &str)]| {
        let (url, slot) = (server.url("sealed", "localhost", ""), server.database.options.slot.as_str());
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(["state", "follow", "--create", "--once", "--postgres", &url, "--slot", slot, "--db"]);
        let output = command.arg(server.database.store.path()).envs(variables.iter().copied()).output().expect("run");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (ca, other) = (server.file("ca.crt").display().to_string(), server.file("itself.crt").display().to_string());
    assert!(run(&[("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", &ca)]).0);
    assert!(run(&[("PGSSLMODE", "verify-full"), ("SSL_CERT_FILE", &ca)]).0);
    let (is_ok, said) = run(&[("PGSSLROOTCERT", "system"), ("SSL_CERT_FILE", &other)]);
    assert!(!is_ok && said.contains("UnknownIssuer"), "{said}");
    let (is_ok, said) = run(&[("PGSSLMODE", "verify-ca")]);
    assert!(!is_ok && said.contains("it needs a root certificate"), "{said}");
    // libpq's file of the user.
    let home = tempfile::tempdir().expect("a directory");
    fs::create_dir(home.path().join(".postgresql")).expect("created");
    fs::copy(&other, home.path().join(".postgresql/root.crt")).expect("copied");
    let (is_ok, said) = run(&[("PGSSLMODE", "require"), ("HOME", &home.path().display().to_string())]);
    assert!(!is_ok && said.contains("UnknownIssuer"), "{said}");
}

/// A server without a certificate: `prefer` goes on, and the others say what to do.
#[tokio::test]
async fn server_that_does_not_encrypt() {
    let Some(url) = xtask::postgres::url() else { return };
    let database = on_server(&url, "no_tls").await;
    let client = connect(&url).await;
    let row = client.query_one("SELECT current_setting('ssl')", &[]).await.expect("a row");
    if row.get::<_, String>(0) == "on" {
        return database.clean_up().await;
    }
    let with = |parameters: &str| {
        let mut options = database.options.clone();
        let sign = if options.postgres.contains('?') { '&' } else { '?' };
        options.postgres = format!("{}{sign}{parameters}", options.postgres);
        options
    };
    follow_with(&with("sslmode=prefer")).await.expect("followed");
    let error = follow_with(&with("sslmode=require")).await.expect_err("not encrypted");
    assert_eq!(error.kind(), ErrorKind::Encryption);
    let text = error.to_string();
    assert!(text.contains("not support TLS") && text.contains("sslmode=disable"), "{text}");
    database.clean_up().await;
}

/// Errors of what was asked for, before anything is connected to.
#[tokio::test]
async fn what_makes_no_sense_is_said() {
    let store = tempfile::tempdir().expect("a directory");
    for (parameters, said) in [
        ("sslmode=full", "it is none of disable, prefer, require, verify-ca or verify-full"),
        ("sslmode=require&sslrootcert=system", "Give sslmode=verify-full."),
        ("sslmode=verify-full&sslrootcert=/no/such/file", "root certificates in \"/no/such/file\""),
        ("sslmode=verify-full&sslrootcert=/dev/null", "there is none"),
    ] {
        let options = Options::new(format!("postgres://u:secret@127.0.0.1:1/d?{parameters}"), store.path());
        let error = follow_with(&options).await.expect_err(parameters);
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.to_string().contains(said) && !error.to_string().contains("secret"), "{error}");
    }
}

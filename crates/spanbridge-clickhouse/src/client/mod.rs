//! Statements over ClickHouse's HTTP interface.

mod frames;
mod refusal;

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::row::bytes::Values;
use std::cell::Cell;
use std::io::{self, BufReader};
use std::time::Duration;
use ureq::http::StatusCode;
use ureq::{Agent, Body, BodyReader};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a statement may take, from its first byte to the first of the answer.
const STATEMENT: Duration = Duration::from_secs(120);

/// A setting of a statement.
pub(crate) type Setting = (&'static str, String);

/// Sends statements to the nodes of an address.
pub(crate) struct Client {
    pub(crate) address: Address,
    agent: Agent,
    /// The user may not change settings, and has those that count.
    is_read_only: Cell<bool>,
}

/// Rows of an answer.
pub(crate) type Rows = Values<BufReader<BodyReader<'static>>>;

impl Client {
    pub(crate) fn new(address: Address) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT))
            .timeout_send_body(Some(STATEMENT))
            .timeout_recv_response(Some(STATEMENT))
            .build();
        Self { address, agent: config.into(), is_read_only: Cell::new(false) }
    }

    /// Runs a statement without an answer, on each node of the address.
    pub(crate) fn run_everywhere(&self, statement: &str, settings: &[Setting]) -> Result<()> {
        for node in &self.address.nodes {
            self.on(node, "", statement.as_bytes(), settings).map_err(Trouble::into_error)?;
        }
        Ok(())
    }

    /// Runs a statement without an answer, on the first node that answers.
    pub(crate) fn run(&self, statement: &str, settings: &[Setting]) -> Result<()> {
        self.ask(statement, settings).map(drop)
    }

    /// Inserts rows in `RowBinary`, compressed. `statement` is without them.
    pub(crate) fn insert(&self, statement: &str, rows: &[u8], settings: &[Setting]) -> Result<()> {
        let mut settings = settings.to_vec();
        settings.push(("decompress", "1".to_owned()));
        settings.push(("http_native_compression_disable_checksumming_on_decompress", "1".to_owned()));
        self.somewhere(statement, &frames::compress(rows), &settings).map(drop)
    }

    /// The rows of a query, whole: an error in the middle of it is an error, and no row is told of.
    pub(crate) fn query(&self, query: &str, settings: &[Setting]) -> Result<Rows> {
        let body = self.ask(&format!("{query} FORMAT RowBinary"), settings)?;
        Ok(Values::new(BufReader::with_capacity(1 << 16, body.into_reader())))
    }

    /// The value of a query with one row and one column, as text.
    pub(crate) fn value(&self, query: &str) -> Result<String> {
        let mut body = self.ask(&format!("{query} FORMAT TabSeparatedRaw"), &[])?;
        let text = body.read_to_string().map_err(|error| broken(&io::Error::other(error)))?;
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn ask(&self, statement: &str, settings: &[Setting]) -> Result<Body> {
        // Otherwise an error in the middle is text behind the rows that were sent before. Not a setting of the server.
        let at_the_end = ("wait_end_of_query", "1".to_owned());
        if !self.is_read_only.get() {
            let mut settings = settings.to_vec();
            settings.push(at_the_end.clone());
            settings.push(("max_query_size", (16 << 20).to_string()));
            // Otherwise half an answer looks like a whole one.
            settings.push(("skip_unavailable_shards", "0".to_owned()));
            match self.somewhere("", statement.as_bytes(), &settings) {
                Err(error) if error.is_about_read_only() => self.is_whole_without_settings()?,
                answer => return answer,
            }
            self.is_read_only.set(true);
        }
        self.somewhere("", statement.as_bytes(), &[at_the_end])
    }

    /// For a user who may not change settings. All of ours but one are about speed, or about statements that are longer than ours mostly are.
    fn is_whole_without_settings(&self) -> Result<()> {
        let query = "SELECT value FROM system.settings WHERE name = 'skip_unavailable_shards' FORMAT TabSeparatedRaw";
        let mut body = self.somewhere("", query.as_bytes(), &[])?;
        let value = body.read_to_string().map_err(|error| broken(&io::Error::other(error)))?;
        match value.trim_end() {
            "0" => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Refused,
                format!(
                    "the user {} may not change settings (readonly = 1), and has skip_unavailable_shards, with which half an answer \
                     looks like a whole one: set it to 0, or readonly to 2",
                    self.address.user
                ),
            )),
        }
    }

    /// On the first node that answers.
    fn somewhere(&self, query: &str, body: &[u8], settings: &[Setting]) -> Result<Body> {
        let mut nobody = None;
        for node in &self.address.nodes {
            match self.on(node, query, body, settings) {
                Ok(body) => return Ok(body),
                Err(Trouble::Unreachable(why)) => nobody = nobody.or(Some(why)),
                Err(Trouble::Refused(refusal)) if refusal.is_about_a_shard() => {
                    return Err(self
                        .missing_shards(node)
                        .unwrap_or_else(|| refusal.into_error(ErrorKind::ShardMissing)));
                }
                Err(refused) => return Err(refused.into_error()),
            }
        }
        Err(Trouble::Unreachable(nobody.unwrap_or_else(|| "no node is named".to_owned())).into_error())
    }

    fn on(&self, node: &str, query: &str, body: &[u8], settings: &[Setting]) -> Result<Body, Trouble> {
        let scheme = if self.address.tls { "https" } else { "http" };
        let mut request = self
            .agent
            .post(format!("{scheme}://{node}/"))
            .header("X-ClickHouse-User", &self.address.user)
            .header("X-ClickHouse-Key", &self.address.password)
            .query("database", &self.address.database);
        if !query.is_empty() {
            request = request.query("query", query);
        }
        for (name, value) in settings {
            request = request.query(name, value);
        }
        let mut response =
            request.send(body).map_err(|error| Trouble::Unreachable(format!("{node} did not answer: {error}")))?;
        if response.status() == StatusCode::OK {
            return Ok(response.into_body());
        }
        let said = response.body_mut().with_config().limit(1 << 20).read_to_vec().unwrap_or_default();
        Err(Trouble::Refused(refusal::Refusal::new(node, response.status(), &said)))
    }

    /// Which shards of the cluster do not answer this node. Each node knows which shard it is itself, so those that do not say it are
    /// missing.
    fn missing_shards(&self, node: &str) -> Option<Error> {
        let cluster = self.address.cluster.as_ref()?;
        let name = quoted(cluster);
        let text = |query: &str, settings: &[Setting]| {
            self.on(node, "", query.as_bytes(), settings).ok().and_then(|mut body| body.read_to_string().ok())
        };
        let all = text(
            &format!(
                "SELECT shard_num, concat(host_name, ':', toString(port)) FROM system.clusters WHERE cluster = {name} \
                 ORDER BY shard_num, replica_num FORMAT TabSeparated"
            ),
            &[],
        )?;
        let there = text(
            &format!("SELECT shard_num FROM shard WHERE cluster = {name} AND is_local = 1 FORMAT TabSeparated"),
            &[("skip_unavailable_shards", "1".to_owned())],
        )?;
        let mut missing: Vec<(&str, Vec<&str>)> = Vec::new();
        for (shard, replica) in all.lines().filter_map(|line| line.split_once('\t')) {
            match missing.last_mut().filter(|(last, _)| *last == shard) {
                Some((_, replicas)) => replicas.push(replica),
                None if there.lines().any(|answers| answers == shard) => {}
                None => missing.push((shard, vec![replica])),
            }
        }
        let shown: Vec<_> = missing.iter().map(|(shard, of)| format!("shard {shard} ({})", of.join(", "))).collect();
        let verb = if shown.len() == 1 { "does" } else { "do" };
        let message = format!("{} of the cluster {cluster} {verb} not answer", shown.join(" and "));
        (!shown.is_empty()).then(|| Error::new(ErrorKind::ShardMissing, message))
    }
}

/// Why there is no answer.
enum Trouble {
    Unreachable(String),
    Refused(refusal::Refusal),
}

impl Trouble {
    fn into_error(self) -> Error {
        match self {
            Trouble::Unreachable(why) => Error::new(ErrorKind::Unreachable, why),
            Trouble::Refused(refusal) => refusal.into_error(ErrorKind::Refused),
        }
    }
}

/// A text as a literal.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The answer stopped, or is no answer to this question.
pub(crate) fn broken(error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData => Error::new(ErrorKind::Corrupt, format!("read an answer of the server: {error}")),
        _ => Error::new(ErrorKind::Unreachable, format!("the server stopped in the middle of an answer: {error}")),
    }
}

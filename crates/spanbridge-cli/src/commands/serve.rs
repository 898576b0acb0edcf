//! `spanbridge serve`: the page, the endpoints and the collector.

use crate::args::{Cli, Format, Keep, Serve};
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge_cli::place::Place;
use spanbridge_cli::render::escape;
use spanbridge_cli::serve::{Error, ErrorKind, Options, Server, run as serve};
use std::env;

/// The token, for those who do not keep it in a file.
const TOKEN: &str = "SPANBRIDGE_TOKEN";

pub(super) fn run(cli: &Cli, args: &Serve) -> Result<(), Failure> {
    let place = cli.place()?;
    // What another URL names cannot be begun, which is said later.
    if place.directory().is_some_and(|path| !path.exists() && !path.to_string_lossy().contains("://")) {
        stream::note(&format!("there is no store at {place}; a new one is begun"));
    }
    let mut options = Options::new(place).listen(args.listen);
    options.token = token(args)?;
    for keep in &args.keep {
        match *keep {
            Keep::For(time) => options.keep_for = Some(time),
            Keep::Bytes(bytes) => options.keep_bytes = Some(bytes),
        }
    }
    options.page = args.page.clone();
    let store = options.store.clone();
    serve(options, |server| ready(cli, &store, server))
}

/// Says where the page is: the first line, for which programs that started us wait. Then where spans go, and where they are kept.
fn ready(cli: &Cli, store: &Place, server: &Server) -> Result<(), Failure> {
    server.notes().iter().for_each(|note| stream::note(note));
    match cli.format {
        Format::Json => {
            let line = json!({ "schemaVersion": 1, "url": server.url(), "address": server.address().to_string(), "store": store.to_string() });
            stream::print(&format!("{line}\n"), &stream::options(cli).color(false))
        }
        Format::Text => {
            let (url, store) = (server.url(), escape(&store.to_string()).into_owned());
            let text = format!("{url}\nOTLP: {url}/v1/traces\nstore: {store}\nCtrl-C ends it.\n");
            stream::print(&text, &stream::options(cli))
        }
    }
}

fn token(args: &Serve) -> Result<Option<String>, Failure> {
    let Some(path) = &args.token_file else {
        let token = env::var_os(TOKEN).filter(|token| !token.is_empty());
        let token = token.map(|token| token.into_string().map_err(|_| format!("read {TOKEN}: it is not UTF-8")));
        return token.transpose().map_err(Failure::Usage);
    };
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io(format!("read {}", path.display()), &e))?;
    match text.trim() {
        "" => Err(Failure::Usage(format!("read the token: {} is empty", path.display()))),
        token => Ok(Some(token.to_owned())),
    }
}

/// With a line of advice below the message.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Store(spanbridge_query::ErrorKind::InvalidPath) | ErrorKind::Keep => {
                Failure::Usage(error.to_string())
            }
            ErrorKind::Store(kind) => spanbridge_query::Error::new(kind, error.to_string()).into(),
            ErrorKind::NoToken => {
                Failure::Usage(format!("{error}\n  Set {TOKEN} or --token-file, or listen on 127.0.0.1."))
            }
            ErrorKind::AddressInUse => Failure::NotFound(format!(
                "{error}\n  Perhaps `spanbridge serve` runs already, or an OpenTelemetry collector, which listens on port 4318, too. \
                 Choose another port with --listen, or 127.0.0.1:0 for any that is free."
            )),
            _ => Failure::NotFound(error.to_string()),
        }
    }
}

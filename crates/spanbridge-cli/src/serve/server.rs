//! The server: from an address to the end.

use super::app::App;
use super::error::{Error, ErrorKind};
use super::options::Options;
use super::{connection, router};
use crate::place::Place;
use spanbridge_query::Store;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A server that listens, and answers as soon as it [runs](Server::run).
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    options: Options,
    notes: Vec<String>,
}

impl Server {
    /// Opens the store, and listens.
    ///
    /// # Errors
    /// [`ErrorKind::NoToken`] if others could reach the address and there is no token, [`ErrorKind::AddressInUse`] if another
    /// process listens there, [`ErrorKind::Store`] if the store cannot be used, [`ErrorKind::Keep`] if it is a database that
    /// cannot remove old runs as it is asked to.
    pub async fn bind(mut options: Options) -> Result<Self, Error> {
        let address = options.listen;
        // Clients send it without.
        options.token = options.token.map(|token| token.trim().to_owned());
        if options.token.as_ref().is_some_and(String::is_empty) {
            return Err(Error::new(ErrorKind::NoToken, "use the token: it is empty"));
        }
        if options.token.is_none() && !address.ip().to_canonical().is_loopback() {
            let why = "others could reach it, and there is no token";
            return Err(Error::new(ErrorKind::NoToken, format!("listen on {address}: {why}")));
        }
        if let (Err(database), Some(_)) = (options.store.as_directory(), options.keep_bytes) {
            return Err(Error::new(ErrorKind::Keep, format!("remove old runs: {}", database.max_size)));
        }
        let listener = TcpListener::bind(address).await.map_err(|e| not_bound(address, &e))?;
        let address = listener.local_addr().map_err(|e| not_bound(address, &e))?;
        let store = options.store.clone();
        let opened = tokio::task::spawn_blocking(move || open(&store).map(|store| store.notes().to_vec()));
        let notes = opened.await.map_err(|e| Error::new(ErrorKind::System, format!("open the store: {e}")))??;
        Ok(Self { listener, address, options, notes })
    }

    /// The address, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where this machine's browser finds the page.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// What a user of this store should know. See [`Store::notes`].
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Answers until `end` is there. Open requests have a moment to be answered then; streams are closed.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let app = App::new(&self.options, stopped.clone());
        let upkeep = app.clone();
        let upkeep = tokio::task::spawn_blocking(move || upkeep.upkeep.run());
        let serving = connection::serve(self.listener, router::router(app.clone()), &app.connections, stopped);
        let ending = async {
            end.await;
            app.upkeep.stop();
            let _ = stop.send(true);
            // The channel must stay open: its end would stop the server, too.
            stop
        };
        tokio::join!(serving, ending);
        let _ = upkeep.await;
    }
}

/// Who may only read a database can look at it all the same.
fn open(place: &Place) -> Result<Store, spanbridge_query::Error> {
    place.open_or_create().or_else(|error| match place.as_directory() {
        Ok(_) => Err(error),
        Err(_) => place.open().map_err(|_| error),
    })
}

fn not_bound(address: SocketAddr, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            Error::new(ErrorKind::AddressInUse, format!("listen on {address}: another process uses it"))
        }
        _ => Error::new(ErrorKind::Address, format!("listen on {address}: {error}")),
    }
}

/// Serves until the process is told to end (`SIGINT` or `SIGTERM`; Ctrl-C). Calls `ready` when it listens.
///
/// # Errors
/// As [`Server::bind`].
pub fn run<E: From<Error>>(options: Options, ready: impl FnOnce(&Server) -> Result<(), E>) -> Result<(), E> {
    let system = |e: io::Error| Error::new(ErrorKind::System, format!("start the server: {e}"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(system)?;
    let served = runtime.block_on(async {
        let server = Server::bind(options).await?;
        let end = told_to_end().map_err(system)?;
        ready(&server)?;
        server.run(end).await;
        Ok(())
    });
    // A question may still be busy, and nobody waits for its answer.
    runtime.shutdown_background();
    served
}

#[cfg(unix)]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(interrupt.recv().await) })
}

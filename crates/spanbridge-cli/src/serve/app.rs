//! What every handler has at hand.

use super::assets::Assets;
use super::connection::Connections;
use super::ingest::intake::Ingest;
use super::live::Hub;
use super::meter::Meter;
use super::options::Options;
use super::refusal::Refusal;
use super::reply::Json;
use super::room::Room;
use super::stores::Stores;
use super::upkeep::Upkeep;
use crate::answers;
use crate::place::Place;
use spanbridge_query::Store;
use std::sync::Arc;
use tokio::sync::watch;

/// How many questions are asked at once. Each may take a whole processor.
const QUESTIONS_AT_ONCE: usize = 4;

/// And how many that may read all that is stored.
const SEARCHES_AT_ONCE: usize = 2;

/// A run with more spans than this is large. Its answer takes long, and much memory: large runs are asked about one at a time, and
/// whoever asks about others need not wait for that.
const LARGE_SPANS: u64 = 20_000;

/// What a question reads beside the runs that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Little.
    Nothing,
    /// The runs that they started.
    Children,
    /// Runs that are connected with them, or began at about the same time, however large they are.
    Others,
}

/// What every handler has at hand. Copies are the same.
#[derive(Clone)]
pub(super) struct App(Arc<Shared>);

/// See [`App`].
pub(super) struct Shared {
    /// For questions.
    pub(super) readers: Stores,
    /// For questions that may read all that is stored, so that others need not wait for them.
    pub(super) searchers: Stores,
    /// For questions about large runs.
    pub(super) large: Stores,
    /// For answers that clients have not taken yet.
    pub(super) room: Room,
    /// For what is taken in.
    pub(super) ingest: Ingest,
    /// For those who watch.
    pub(super) live: Hub,
    pub(super) store: Place,
    pub(super) upkeep: Upkeep,
    pub(super) connections: Connections,
    pub(super) meter: Meter,
    pub(super) assets: Assets,
    pub(super) token: Option<String>,
    /// Becomes true when the server is to end. Streams end then.
    pub(super) stop: watch::Receiver<bool>,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(super) fn new(options: &Options, stop: watch::Receiver<bool>) -> Self {
        Self(Arc::new(Shared {
            readers: Stores::new(&options.store, QUESTIONS_AT_ONCE),
            searchers: Stores::new(&options.store, SEARCHES_AT_ONCE),
            large: Stores::new(&options.store, 1),
            room: Room::new(),
            ingest: Ingest::new(&options.store),
            live: Hub::new(options.store.clone()),
            store: options.store.clone(),
            upkeep: Upkeep::new(options),
            connections: Connections::new(),
            meter: Meter::default(),
            assets: Assets::new(options.page.clone()),
            token: options.token.clone(),
            stop,
        }))
    }

    /// Asks the store for an answer in JSON.
    ///
    /// # Errors
    /// The question's own, and if too many ask.
    pub(super) async fn answer(
        &self,
        question: impl FnOnce(&Store) -> Result<Json, Refusal> + Send + 'static,
    ) -> Result<Json, Refusal> {
        self.readers.ask(move |store| question(store)).await
    }

    /// As [`answer`](Self::answer), of a question that may read all that is stored.
    pub(super) async fn search(
        &self,
        question: impl FnOnce(&Store) -> Result<Json, Refusal> + Send + 'static,
    ) -> Result<Json, Refusal> {
        self.searchers.ask(move |store| question(store)).await
    }

    /// As [`answer`](Self::answer), of a question about the runs with these ids.
    ///
    /// # Errors
    /// Also if one of the ids stands for nothing, or for several things.
    pub(super) async fn answer_about(
        &self,
        ids: Vec<String>,
        beside: Beside,
        question: impl FnOnce(&Store) -> Result<Json, Refusal> + Send + 'static,
    ) -> Result<Json, Refusal> {
        let is_large = self.readers.ask(move |store| is_large(store, &ids, beside)).await?;
        let stores = match beside {
            _ if is_large => &self.large,
            Beside::Others => &self.searchers,
            Beside::Nothing | Beside::Children => &self.readers,
        };
        stores.ask(move |store| question(store)).await
    }
}

fn is_large(store: &Store, ids: &[String], beside: Beside) -> Result<bool, Refusal> {
    let mut spans = 0_u64;
    for id in ids {
        let (_, run_ids) = answers::find(store, id)?;
        let mut rows = store.rows(&run_ids)?;
        if let (Beside::Children, Some(run)) = (beside, run_ids.first()) {
            rows.extend(store.started_by(*run)?);
        }
        spans = rows.iter().fold(spans, |sum, row| sum.saturating_add(row.spans));
    }
    Ok(spans > LARGE_SPANS)
}

//! A layer that is replaced while spans are open: under a default of a thread and of the process, which is why the last one is a test
//! binary of its own.

use spanbridge::observe;
use spanbridge_graph::testing::{self, Recorded};
use spanbridge_tracing::Layer;
use tracing::{Dispatch, Level, info, info_span, warn};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, registry, reload};

/// A subscriber with a layer that can be replaced.
fn reloadable<L>(layer: L) -> (Dispatch, reload::Handle<L, Registry>)
where
    L: tracing_subscriber::Layer<Registry> + Send + Sync,
{
    let (layer, handle) = reload::Layer::new(layer);
    (registry().with(layer).into(), handle)
}

/// The old layer has begun spans that are entered, and the new one leaves and ends them.
fn spans_over_a_reload(reload: impl Fn()) -> Recorded<()> {
    testing::record(|| {
        let root = info_span!("root");
        let outer = root.enter();
        let held = info_span!("held", late = tracing::field::Empty);
        let inner = info_span!("inner").entered();
        reload();
        observe::span("still inside").in_scope(|| ());
        drop(inner);
        held.record("late", 1);
        held.in_scope(|| info_span!("new, in held").in_scope(|| ()));
        reload();
        info_span!(parent: &held, "new, below held").in_scope(|| info!("not kept"));
        let new = info_span!("new").entered();
        reload();
        warn!("kept");
        drop(new);
        held.follows_from(&root);
        drop(outer);
        drop((root, held));
        observe::span("outside").in_scope(|| ());
    })
}

const TREE: &str = "\
root
  held late=1
    new, in held
    new, below held
  inner
    still inside
  new
outside
";

fn check(recorded: &Recorded<()>) {
    let tree = recorded.tree();
    assert_eq!(tree, TREE.replace(" late=1", " -> root"), "{tree}");
    assert_eq!(recorded.span("held").attributes, [("late".to_owned(), 1.into())]);
    let events: Vec<_> = recorded.spans().flat_map(|span| &span.events).map(|event| &*event.name).collect();
    assert_eq!(events, ["kept"]);
}

#[test]
fn a_layer_is_replaced_in_mid_span() {
    let (dispatch, handle) = reloadable(spanbridge_tracing::layer().events(Level::WARN));
    let reload = || handle.reload(spanbridge_tracing::layer().events(Level::WARN)).unwrap();
    check(&tracing::dispatcher::with_default(&dispatch, || spans_over_a_reload(reload)));
}

/// With a filter, the layer inside of it is replaced: its filter stays.
#[test]
fn a_filtered_layer_is_replaced_in_mid_span() {
    let layer =
        spanbridge_tracing::layer().events(Level::WARN).with_filter(filter_fn(|metadata| metadata.target() != "x"));
    let (dispatch, handle) = reloadable(layer);
    let reload =
        || handle.modify(|layer| *layer.inner_mut() = spanbridge_tracing::layer().events(Level::WARN)).unwrap();
    check(&tracing::dispatcher::with_default(&dispatch, || spans_over_a_reload(reload)));
}

#[test]
fn replaced_under_a_default_of_the_process() {
    let (dispatch, handle) = reloadable(spanbridge_tracing::layer().events(Level::WARN));
    tracing::dispatcher::set_global_default(dispatch).unwrap();
    check(&spans_over_a_reload(|| handle.reload(spanbridge_tracing::layer().events(Level::WARN)).unwrap()));
}

/// A layer that comes later does not know the spans that are open, and one that is taken away leaves them.
#[test]
fn a_layer_comes_and_goes() {
    let (dispatch, handle) = reloadable(None::<Layer>);
    let recorded = tracing::dispatcher::with_default(&dispatch, || {
        testing::record(|| {
            let before = info_span!("before").entered();
            handle.reload(spanbridge_tracing::layer()).unwrap();
            let during = info_span!("during").entered();
            info_span!("inside").in_scope(|| ());
            handle.reload(None).unwrap();
            info_span!("without").in_scope(|| ());
            drop(during);
            handle.reload(spanbridge_tracing::layer()).unwrap();
            info_span!("again").in_scope(|| ());
            drop(before);
        })
    });
    // Nobody has told us that `during` was left. What has begun it is gone, but its number does not come back.
    assert_eq!(recorded.tree(), "during [open]\n  inside\n  again\n");
}

/// What one subscriber has left behind does not become another's, though the numbers of the spans are the same.
#[test]
fn abandoned_spans_of_another_subscriber() {
    let recorded = testing::record(|| {
        let forgotten = tracing::subscriber::with_default(registry().with(spanbridge_tracing::layer()), || {
            let span = info_span!("forgotten");
            let id = span.id();
            std::mem::forget(span);
            id
        });
        let new =
            registry().with(spanbridge_tracing::layer().with_filter(filter_fn(|metadata| metadata.target() != "x")));
        tracing::subscriber::with_default(new.with(None::<Layer>), || {
            let hidden = info_span!(target: "x", "hidden");
            info_span!(parent: forgotten, "child").in_scope(|| ());
            drop(hidden)
        })
    });
    assert_eq!(recorded.tree(), "forgotten [open]\nchild\n");
}

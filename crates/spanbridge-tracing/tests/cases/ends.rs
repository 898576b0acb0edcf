//! How spans end.

use super::traced;
use spanbridge::observe;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing::{Level, error, error_span, info_span, instrument, warn};

/// A panic that goes through a span ends it as panicked, with its text. The span around, which catches it, is ok.
#[test]
fn a_panic_through_a_span() {
    let recorded = traced(|| {
        info_span!("catches").in_scope(|| {
            let panics = || info_span!("panics").in_scope(|| -> () { panic!("out of paper") });
            assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        })
    });
    assert_eq!(recorded.tree(), "catches\n  panics [panicked]\n");
    let error = recorded.span("panics").error.clone().unwrap();
    assert!(error.starts_with("out of paper, at "), "{error}");
}

/// A span that begins and ends in a destructor, during a panic, has not panicked.
#[test]
fn a_span_beside_a_panic() {
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            info_span!("tidies up").in_scope(|| ())
        }
    }
    let recorded = traced(|| {
        let panics = || {
            info_span!("panics").in_scope(|| {
                let _on_drop = OnDrop;
                panic!("out of paper")
            })
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    });
    assert_eq!(recorded.tree(), "panics [panicked]\n  tidies up\n");
}

/// What `#[instrument(err)]` emits says that the span has failed, whatever its level is; so does an error without a message, also
/// from outside of the span. Other events say nothing.
#[test]
fn errors_that_are_ends() {
    #[instrument(err)]
    fn by_display() -> Result<(), String> {
        Err("out of paper".into())
    }
    #[instrument(err(Debug))]
    fn by_debug() -> Result<(), String> {
        Err("out of paper".into())
    }
    #[instrument(err(level = Level::INFO))]
    fn quietly() -> Result<(), String> {
        Err("out of paper".into())
    }
    let recorded = traced(|| {
        let _ = (by_display(), by_debug(), quietly());
        info_span!("short").in_scope(|| error!(err = "no ink", printer = 7));
        let outside = info_span!("outside");
        error!(parent: &outside, error = "no ink");
        info_span!("told").in_scope(|| error!(error = "no ink", "cannot print"));
        info_span!("warned").in_scope(|| warn!(error = "no ink", attempt = 1));
        error_span!("level").in_scope(|| error!("cannot print"));
    });
    let tree = "\
by_display [error]
by_debug [error]
quietly [error]
short [error]
outside [error]
told
warned
level
";
    assert_eq!(recorded.tree(), tree);
    let errors = ["by_display", "by_debug", "quietly", "short", "outside"]
        .map(|name| recorded.span(name).error.clone().unwrap());
    assert_eq!(errors, ["out of paper", "\"out of paper\"", "out of paper", "no ink", "no ink"]);
}

/// An error inside of an `observe` span belongs to that span, which ends by what it returns.
#[test]
fn an_error_inside_an_observe_span() {
    let recorded =
        traced(|| info_span!("outer").in_scope(|| observe::span("inner").in_scope(|| error!(error = "no ink"))));
    assert_eq!(recorded.tree(), "outer\n  inner\n");
    assert_eq!(recorded.span("inner").events.len(), 1);
}

/// `otel.status_*`, when the span begins or later. An explicit `ok` counts more than an error.
#[test]
fn status_by_otel_fields() {
    let recorded = traced(|| {
        let _ = info_span!("at once", otel.status_code = "error", otel.status_description = "no ink");
        let _ = info_span!("text alone", otel.status_message = %"no ink");
        let _ = info_span!("no text", otel.status_code = "ERROR");
        let late = info_span!(
            "late",
            otel.status_code = tracing::field::Empty,
            otel.status_description = tracing::field::Empty
        );
        late.record("otel.status_description", "no ink");
        late.record("otel.status_code", "error");
        let ok = info_span!("ok", otel.status_code = "OK");
        ok.in_scope(|| error!(error = "no ink"));
        let _ = info_span!("unset", otel.status_code = "unset");
    });
    let tree = "at once [error]\ntext alone [error]\nno text [error]\nlate [error]\nok\nunset\n";
    assert_eq!(recorded.tree(), tree);
    let errors = ["at once", "text alone", "no text", "late"].map(|name| recorded.span(name).error.clone());
    assert_eq!(errors.map(Option::unwrap_or_default), ["no ink", "no ink", "", "no ink"]);
    assert!(recorded.spans().all(|span| span.attributes.iter().all(|(key, _)| !key.starts_with("otel."))));
}

//! Being told to stop by the system.

use spanbridge_relay::ship::Stop;

/// The first signal to end stops it after what is in flight, the second at once. Nothing is lost by that.
#[cfg(unix)]
pub(super) fn set_at_end(stop: &Stop) {
    use signal_hook::consts::TERM_SIGNALS;
    use signal_hook::iterator::Signals;
    let Ok(mut signals) = Signals::new(TERM_SIGNALS) else { return };
    let stop = stop.clone();
    // Without it, a signal ends the process at once.
    let _ = std::thread::Builder::new().name("spanbridge-signals".to_owned()).spawn(move || {
        for signal in &mut signals {
            if stop.is_set() {
                std::process::exit(128 + signal);
            }
            stop.set();
        }
    });
}

/// Ctrl-C ends the process at once. Nothing is lost by that.
#[cfg(not(unix))]
pub(super) fn set_at_end(_: &Stop) {}

//! Members of others come through in order and whole, ours stands once and leftmost, and the list stays within limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::RunId;
use spanbridge::w3c::TraceState;

fuzz_target!(|input: (u8, Option<u128>, &[u8])| {
    let (max, run, header) = input;
    let run = run.and_then(RunId::new);
    let (found, state, _) = TraceState::parse(header);
    assert!(state.iter().count() <= 32);
    for (key, value) in state.iter() {
        assert!(key != "sb" && !key.is_empty() && !value.is_empty());
        assert_eq!(state.get(key), Some(value), "keys are different");
        let member = format!("{key}={value}");
        assert!(header.windows(member.len()).any(|w| w == member.as_bytes()), "members are never changed");
    }
    for run in [run, found, None] {
        let mut out = String::new();
        state.write(run, &mut out);
        assert_eq!(out.starts_with("sb=r:"), run.is_some());
        let (run_again, again, problem) = TraceState::parse(out.as_bytes());
        assert_eq!((run_again, problem), (run, None));
        let lost = usize::from(run.is_some() && state.iter().count() == 32);
        assert!(again.iter().eq(state.iter().take(state.iter().count() - lost)));

        let mut bounded = String::new();
        let max = usize::from(max) * 2;
        let dropped = state.write_within(run, max, &mut bounded);
        assert!(bounded.len() <= max);
        assert_eq!(TraceState::parse(bounded.as_bytes()).2, None);
        let written = bounded.split(',').filter(|m| !m.is_empty()).count();
        assert!(written + dropped + lost >= state.iter().count() + usize::from(run.is_some()));
    }
});

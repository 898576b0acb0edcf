//! Which traces are recorded. Contexts travel in any case.

use crate::TraceId;

/// Which traces are recorded. The decision is made where a context begins or arrives.
///
/// The sampled flag ([Trace Context, section 3.2.2.5.1](https://www.w3.org/TR/trace-context-2/#sampled-flag)) of a trace
/// that begins here tells it to everyone further on. Received flags are passed on as they came: what was sampled out
/// upstream stays so downstream, also where this process records it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// All of them, whatever a received context says.
    #[default]
    Always,
    /// This share of all traces, from 0 to 1, by trace id: every process that asks for at least this share records
    /// the same traces, as
    /// [OpenTelemetry's consistent probability sampling](https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/)
    /// does.
    Ratio(f64),
    /// What a received context says; of traces that begin here this share, by trace id.
    ParentBased(f64),
}

impl Sampler {
    /// `received`: the sampled flag of a context that came from elsewhere.
    pub(crate) fn records(self, trace: TraceId, received: Option<bool>) -> bool {
        match (self, received) {
            (Sampler::Always, _) => true,
            (Sampler::ParentBased(_), Some(sampled)) => sampled,
            (Sampler::Ratio(share) | Sampler::ParentBased(share), _) => {
                const RANDOM: u64 = (1 << 56) - 1; // the part of a trace id that Level 2 calls random
                let threshold = (1.0 - share.clamp(0.0, 1.0)) * (1u64 << 56) as f64;
                share > 0.0 && (trace.get() as u64 & RANDOM) >= threshold as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_share_is_a_part_of_a_larger_one() {
        let traces = (1..10_000u128).map(|i| TraceId(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) | 1));
        let (mut few, mut many) = (0, 0);
        for t in traces {
            let (a, b) = (Sampler::Ratio(0.1).records(t, None), Sampler::Ratio(0.5).records(t, Some(false)));
            assert!(b || !a);
            few += a as u32;
            many += b as u32;
            assert!(Sampler::Ratio(1.0).records(t, None) && !Sampler::Ratio(0.0).records(t, None));
            assert!(Sampler::ParentBased(0.0).records(t, Some(true)) && Sampler::Always.records(t, Some(false)));
        }
        assert!((800..1200).contains(&few) && (4700..5300).contains(&many), "{few} {many}");
        assert!(!Sampler::Ratio(f64::NAN).records(TraceId(1), None));
    }
}

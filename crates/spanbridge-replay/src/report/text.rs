//! A report as text.

use super::divergence::{Divergence, DivergenceKind};
use super::outcome::Outcome;
use super::{Report, Verdict};
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "replay of {} in run {} ({})", self.entry.name, self.run.run_id, self.run.name)?;
        for step in &self.steps {
            // A target says more than a name with which it begins. Other names say what was done with it.
            let target = step.target.as_deref().filter(|target| target.starts_with(&step.name));
            let name = target.unwrap_or(&step.name);
            write!(f, "  {:12} {:indent$}{name}", step.label.text(), "", indent = 2 * step.depth)?;
            if let Some(error) = &step.error {
                write!(f, "   {error}")?
            }
            writeln!(f)?
        }
        if let Some(first) = &self.first_divergence {
            writeln!(f, "first divergence: {first}")?
        }
        if let Some(outcome) = &self.outcome {
            writeln!(f, "then: {}", outcome.recorded)?;
            writeln!(f, "now:  {}", outcome.replayed)?
        }
        match (self.verdict, &self.reason) {
            (Verdict::Same, _) => writeln!(f, "the same")?,
            (Verdict::Diverged, _) => writeln!(f, "diverged")?,
            (Verdict::Impossible, reason) => {
                writeln!(f, "not possible: {}", reason.as_deref().unwrap_or("the reason is not known"))?
            }
        }
        f.write_str(&self.note)
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DivergenceKind::Changed => "changed",
            DivergenceKind::Added => "added",
            DivergenceKind::Missing => "missing",
            DivergenceKind::Moved => "moved",
            DivergenceKind::Refused => "refused",
            DivergenceKind::Value => "value",
            DivergenceKind::Outcome => "outcome",
        };
        self.index.iter().try_for_each(|index| write!(f, "step {index}, "))?;
        write!(f, "{what}: {}", self.boundary)?;
        write!(f, "\n  recorded: {}\n  replayed: {}", self.expected, self.actual)?;
        for difference in &self.differences {
            let shown = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
            write!(f, "\n  {}: {} → {}", difference.field, shown(&difference.expected), shown(&difference.actual))?
        }
        if self.ignored > 0 {
            write!(f, "\n  {} more ignored", self.ignored)?
        }
        Ok(())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.status)?;
        self.failing_span.iter().try_for_each(|span| write!(f, " in {span}"))?;
        self.error.iter().try_for_each(|error| write!(f, ": {error}"))
    }
}

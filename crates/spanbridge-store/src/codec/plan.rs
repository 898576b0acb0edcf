//! The values of a record, one after the other: enough to move records into blocks of another form without decoding them.
//!
//! A shape's codes tell which values a record has, and in which stream each stands. [`Plan::of`] walks the codes in the order
//! in which `write::fields` writes them; the two must be changed together.

use super::bytes::Reader;
use super::{endpoint, span, tag, value};

/// One value of a record, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A word: the id of the span that begins here.
    OwnSpan,
    /// A word: the id of a span that is referred to.
    Span,
    /// A number: the span that is referred to, by how many began since in the same part.
    RecentSpan,
    /// No value: the span that is referred to stands for the run itself.
    RunSpan,
    /// A word of any other meaning.
    Word,
    /// The time when the span of the record began.
    Start,
    /// The time when the span that was referred to ended.
    End,
    /// Any other time.
    Time,
    /// A time that the next one is not measured from.
    Commit,
    /// How long the span of the record took, in the stream of times.
    Duration,
    /// A number; of the attribute whose key is this one of the shape's names.
    Number(u32),
    /// A text; of the attribute whose key is this one of the shape's names.
    Text(u32),
}

/// The name of values that are no attributes.
pub const NO_NAME: u32 = u32::MAX;

/// The values of each record of a shape, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The values.
    pub steps: Vec<Step>,
    /// The codes of the shape, with each span that is referred to as a word.
    pub codes: Vec<u8>,
    /// How many names the shape mentions.
    pub names: u32,
}

impl Plan {
    /// The plan of a shape with these codes. `None` if this release does not know such a shape.
    pub fn of(codes: &[u8]) -> Option<Self> {
        let plan = Self { codes: Vec::with_capacity(codes.len()), ..Self::default() };
        let mut walk = Walk { codes: Reader(codes), plan };
        walk.record()?;
        walk.codes.0.is_empty().then_some(walk.plan)
    }

    /// How many words, times, numbers and texts a record takes once each span that is referred to is a word.
    pub fn counts(&self) -> [u64; 4] {
        let mut counts = [0; 4];
        for step in &self.steps {
            counts[match step {
                Step::RunSpan => continue,
                Step::OwnSpan | Step::Span | Step::RecentSpan | Step::Word => 0,
                Step::Start | Step::End | Step::Time | Step::Commit | Step::Duration => 1,
                Step::Number(_) => 2,
                Step::Text(_) => 3,
            }] += 1;
        }
        counts
    }
}

struct Walk<'a> {
    codes: Reader<'a>,
    plan: Plan,
}

impl Walk<'_> {
    fn record(&mut self) -> Option<()> {
        let tag = self.code()?;
        if tag & tag::FOREIGN != 0 {
            self.text();
        }
        match tag & !tag::FOREIGN {
            tag::SPAN_START => self.start(false)?,
            tag::SPAN => self.start(true)?,
            tag::SPAN_END => {
                self.span()?;
                self.step(Step::End);
                self.end()?;
                self.attributes()?;
            }
            tag::SEGMENT => {
                self.step(Step::Time);
                if self.code()? & tag::RESUMPTIONS != 0 {
                    self.maybe_text()?;
                    self.maybe_text()?;
                }
                self.maybe_text()?;
                self.attributes()?;
            }
            tag::RUN_START => {
                self.step(Step::Time);
                self.name();
                if self.code()? != 0 {
                    self.name();
                }
                if self.code()? != 0 {
                    self.wide();
                }
                self.span()?;
                self.attributes()?;
            }
            tag::RUN_ATTRIBUTES => self.attributes()?,
            tag::RUN_SUSPEND => {
                self.step(Step::Time);
                self.text();
                self.maybe_text()?;
            }
            tag::RUN_RESUME => {
                self.step(Step::Time);
                self.text();
            }
            tag::RUN_END => {
                self.step(Step::Time);
                self.end()?;
            }
            tag::SPAN_ATTRIBUTES => {
                self.span()?;
                self.attributes()?;
            }
            tag::EVENT => {
                self.span()?;
                self.step(Step::Time);
                self.text();
                self.name();
                self.attributes()?;
            }
            tag::ARTIFACT => {
                self.span()?;
                self.text();
                (0..3).for_each(|_| self.name());
                self.step(Step::Number(NO_NAME));
                self.maybe_text()?;
                self.maybe_text()?;
            }
            tag::MUTATION => {
                self.text();
                self.span()?;
                (0..2).for_each(|_| self.name());
                self.text();
                self.code()?;
                self.maybe_text()?;
                self.maybe_text()?;
                while self.code()? != 0 {
                    self.name();
                }
                if self.code()? != 0 {
                    self.step(Step::Commit);
                }
                self.maybe_text()?;
            }
            tag::EDGE => {
                self.name();
                self.endpoint()?;
                self.endpoint()?;
            }
            tag::DIAGNOSTIC => {
                self.name();
                self.text();
                if self.code()? != 0 {
                    self.step(Step::Number(NO_NAME));
                }
                self.span()?;
                self.attributes()?;
            }
            _ => return None,
        }
        Some(())
    }

    fn start(&mut self, has_end: bool) -> Option<()> {
        self.step(Step::OwnSpan);
        self.span()?;
        self.name();
        self.name();
        self.code()?;
        self.step(Step::Start);
        self.attributes()?;
        if has_end {
            self.step(Step::Duration);
            self.end()?;
        }
        loop {
            match self.code()? {
                0 => return Some(()),
                1 => {}
                2 => self.wide(),
                _ => return None,
            }
            self.step(Step::Word);
            self.attributes()?;
        }
    }

    fn end(&mut self) -> Option<()> {
        let code = self.code()?;
        self.maybe_text()?;
        if code & tag::ERROR_TYPE != 0 {
            self.name();
        }
        Some(())
    }

    fn endpoint(&mut self) -> Option<()> {
        match self.code()? {
            endpoint::SPAN => {
                self.wide();
                self.span()?;
            }
            endpoint::RUN => self.wide(),
            endpoint::ARTIFACT => self.text(),
            _ => return None,
        }
        Some(())
    }

    fn attributes(&mut self) -> Option<()> {
        loop {
            let key = self.plan.names;
            match self.code()? {
                value::END => return Some(()),
                value::I64 | value::BOOL => self.step(Step::Number(key)),
                value::F64 => self.step(Step::Word),
                value::STR | value::JSON => self.step(Step::Text(key)),
                _ => return None,
            }
            self.name();
        }
    }

    fn span(&mut self) -> Option<()> {
        let code = self.codes.byte()?;
        match code {
            span::NONE => {}
            span::RUN => self.step(Step::RunSpan),
            span::WORD => self.step(Step::Span),
            span::RECENT => self.step(Step::RecentSpan),
            _ => return None,
        }
        self.plan.codes.push(if code == span::RECENT { span::WORD } else { code });
        Some(())
    }

    fn maybe_text(&mut self) -> Option<()> {
        if self.code()? != 0 {
            self.text();
        }
        Some(())
    }

    fn text(&mut self) {
        self.step(Step::Text(NO_NAME));
    }

    fn wide(&mut self) {
        self.step(Step::Word);
        self.step(Step::Word);
    }

    fn name(&mut self) {
        self.plan.names += 1;
    }

    fn step(&mut self, step: Step) {
        self.plan.steps.push(step);
    }

    fn code(&mut self) -> Option<u8> {
        let code = self.codes.byte()?;
        self.plan.codes.push(code);
        Some(code)
    }
}

//! Where in a text is a match looked for?

use memchr::memmem::Finder;

use super::Pattern;
use super::Place;
use super::code::{Code, Step};
use super::run::{Budget, Exhausted, NOWHERE, Scratch, Wanted, attempt};
use super::set::Set;

/// Where a match has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// At the beginning.
    Match,
    /// All of the text.
    Whole,
    /// Anywhere; the first one counts.
    Search,
}

/// A pattern, ready for matching.
#[derive(Debug, Clone)]
pub struct Regex {
    code: Code,
    groups: usize,
    /// Whether it matches nowhere but at the beginning.
    only_at_begin: bool,
    /// How every match begins.
    prefix: Option<Finder<'static>>,
    /// With which characters matches begin, if none is empty.
    first: Option<Set>,
}

impl Regex {
    /// Says why there is none.
    pub fn new(pattern: &Pattern) -> Result<Self, &'static str> {
        let code = Code::new(&pattern.piece)?;
        let begin: Vec<&Step> = code.steps.iter().filter(|step| !matches!(step, Step::Save(_))).collect();
        let prefix: Vec<u8> =
            begin.iter().map_while(|step| if let Step::Byte(byte) = step { Some(*byte) } else { None }).collect();
        Ok(Self {
            groups: pattern.groups as usize,
            only_at_begin: matches!(begin.first(), Some(Step::At(Place::Begin))),
            prefix: (!prefix.is_empty()).then(|| Finder::new(&prefix).into_owned()),
            first: code.first(0).map(Set::new),
            code,
        })
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Memory for matching.
    pub fn scratch(&self) -> Scratch {
        let mut scratch = Scratch::default();
        scratch.slots.resize(2 * self.groups + 2, NOWHERE);
        scratch
    }

    /// Whether there is a match, which is then in `scratch`.
    pub fn find(&self, how: How, text: &[u8], scratch: &mut Scratch, budget: &mut Budget) -> Result<bool, Exhausted> {
        match how {
            How::Match => attempt(&self.code, text, 0, Wanted::default(), scratch, budget),
            How::Whole => attempt(&self.code, text, 0, Wanted { whole: true, not_empty: false }, scratch, budget),
            How::Search => self.search(text, 0, false, scratch, budget),
        }
    }

    /// The first match that begins at `from` or later; `not_empty`: one that begins right there has a character or more.
    pub fn search(
        &self,
        text: &[u8],
        from: usize,
        not_empty: bool,
        scratch: &mut Scratch,
        budget: &mut Budget,
    ) -> Result<bool, Exhausted> {
        let mut start = from;
        while let Some(at) = self.next_start(text, start) {
            budget.spend(1 + at - start)?;
            let wanted = Wanted { whole: false, not_empty: not_empty && at == from };
            if attempt(&self.code, text, at, wanted, scratch, budget)? {
                return Ok(true);
            }
            start = at + 1;
        }
        Ok(false)
    }

    /// The next place from `from` on where a match may begin.
    fn next_start(&self, text: &[u8], from: usize) -> Option<usize> {
        if from > text.len() || (self.only_at_begin && from > 0) {
            return None;
        }
        if let Some(prefix) = &self.prefix {
            return prefix.find(&text[from..]).map(|at| from + at);
        }
        match &self.first {
            Some(first) => text[from..].iter().position(|byte| first.has(*byte)).map(|at| from + at),
            None => Some(from),
        }
    }
}

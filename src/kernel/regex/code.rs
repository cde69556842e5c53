//! A pattern as steps, which are easy to follow and to come back to.

use super::set::{Set, disjoint, only, union};
use super::{Piece, Place};

/// Most steps of a pattern; repeats are written out.
const MAX_STEPS: usize = 2000;

/// How deep pieces may nest.
const MAX_DEPTH: usize = 60;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// This character.
    Byte(u8),
    /// A character of the set of this number.
    Set(usize),
    /// Characters of a set.
    Run(Run),
    /// The place is remembered: where a group begins (an even number) or ends.
    Save(usize),
    /// Goes on at `first`, and should that fail, at `second`.
    Split { first: usize, second: usize },
    /// Goes on elsewhere.
    Jump(usize),
    /// Only goes on at such a place.
    At(Place),
    /// All is matched.
    Done,
}

/// Several characters of a set.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub set: usize,
    pub least: usize,
    pub most: usize,
    pub greedy: bool,
    /// The number of the set of characters with which the rest must begin, if it must begin with one.
    pub follow: Option<usize>,
    /// Whether the rest can only match after as many as there are.
    pub keeps: bool,
}

/// The steps of a pattern, and the sets in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Code {
    pub steps: Vec<Step>,
    pub sets: Vec<Set>,
    bits: Vec<[u64; 2]>,
}

impl Code {
    /// The steps of a pattern; says why there are none.
    pub fn new(piece: &Piece) -> Result<Self, &'static str> {
        let mut code = Self::default();
        code.piece(piece, 0)?;
        code.steps.push(Step::Done);
        code.look_ahead();
        Ok(code)
    }

    fn set(&mut self, bits: [u64; 2]) -> usize {
        if let Some(known) = self.bits.iter().position(|other| *other == bits) {
            return known;
        }
        self.bits.push(bits);
        self.sets.push(Set::new(bits));
        self.sets.len() - 1
    }

    fn piece(&mut self, piece: &Piece, depth: usize) -> Result<(), &'static str> {
        if self.steps.len() > MAX_STEPS || depth > MAX_DEPTH {
            return Err("a regular expression that is too large");
        }
        match piece {
            Piece::Set(bits) => {
                let step = match only(*bits) {
                    Some(byte) => Step::Byte(byte),
                    None => Step::Set(self.set(*bits)),
                };
                self.steps.push(step);
            }
            Piece::Seq(pieces) => pieces.iter().try_for_each(|piece| self.piece(piece, depth + 1))?,
            Piece::Or(ways) => self.either(ways, depth)?,
            Piece::Repeat { of, least, most, greedy } => match of.as_ref() {
                Piece::Set(bits) => {
                    let set = self.set(*bits);
                    let (least, most) = (*least as usize, most.map_or(usize::MAX, |most| most as usize));
                    self.steps.push(Step::Run(Run { set, least, most, greedy: *greedy, follow: None, keeps: false }));
                }
                _ => self.repeat(of, *least, *most, *greedy, depth)?,
            },
            Piece::Group(number, of) => {
                self.steps.push(Step::Save(2 * *number as usize));
                self.piece(of, depth + 1)?;
                self.steps.push(Step::Save(2 * *number as usize + 1));
            }
            Piece::At(place) => self.steps.push(Step::At(*place)),
        }
        Ok(())
    }

    fn either(&mut self, ways: &[Piece], depth: usize) -> Result<(), &'static str> {
        let mut ends = Vec::new();
        for (number, way) in ways.iter().enumerate() {
            if number + 1 == ways.len() {
                self.piece(way, depth + 1)?;
                break;
            }
            let split = self.split();
            self.piece(way, depth + 1)?;
            ends.push(self.steps.len());
            self.steps.push(Step::Jump(0));
            self.steps[split] = Step::Split { first: split + 1, second: self.steps.len() };
        }
        let end = self.steps.len();
        ends.into_iter().for_each(|jump| self.steps[jump] = Step::Jump(end));
        Ok(())
    }

    /// Room for a split whose ways are not known yet.
    fn split(&mut self) -> usize {
        self.steps.push(Step::Split { first: 0, second: 0 });
        self.steps.len() - 1
    }

    fn repeat(
        &mut self,
        of: &Piece,
        least: u32,
        most: Option<u32>,
        greedy: bool,
        depth: usize,
    ) -> Result<(), &'static str> {
        if most.is_none_or(|most| most > 1) && may_be_empty(of) {
            // Python has rules of its own for rounds that match nothing.
            return Err("a repeat of what may be empty");
        }
        for _ in 0..least {
            self.piece(of, depth + 1)?;
        }
        let Some(most) = most else {
            let split = self.split();
            self.piece(of, depth + 1)?;
            self.steps.push(Step::Jump(split));
            self.steps[split] = ways(split + 1, self.steps.len(), greedy);
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.split());
            self.piece(of, depth + 1)?;
        }
        let end = self.steps.len();
        splits.into_iter().for_each(|split| self.steps[split] = ways(split + 1, end, greedy));
        Ok(())
    }

    /// Finds out what may follow each run.
    fn look_ahead(&mut self) {
        for at in 0..self.steps.len() {
            let Step::Run(run) = &self.steps[at] else { continue };
            let (set, most) = (self.bits[run.set], run.most);
            let Some(follow) = self.first(at + 1) else { continue };
            // Where there are more than it takes, the rest may begin with one of them, but not after fewer.
            let keeps = disjoint(set, follow) && most > 0;
            let follow = self.set(follow);
            if let Step::Run(run) = &mut self.steps[at] {
                (run.follow, run.keeps) = (Some(follow), keeps);
            }
        }
    }

    /// The characters with which what matches from a step on may begin; `None` if it may be empty.
    pub fn first(&self, from: usize) -> Option<[u64; 2]> {
        let mut seen = vec![false; self.steps.len()];
        let mut open = vec![from];
        let mut found = [0, 0];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            match &self.steps[at] {
                Step::Byte(byte) => found[usize::from(byte >> 6)] |= 1 << (byte & 63),
                Step::Set(set) => found = union(found, self.bits[*set]),
                Step::Run(run) => {
                    found = union(found, self.bits[run.set]);
                    if run.least == 0 {
                        open.push(at + 1);
                    }
                }
                Step::Save(_) | Step::At(_) => open.push(at + 1),
                Step::Split { first, second } => open.extend([*first, *second]),
                Step::Jump(to) => open.push(*to),
                Step::Done => return None,
            }
        }
        Some(found)
    }
}

fn ways(body: usize, end: usize, greedy: bool) -> Step {
    if greedy { Step::Split { first: body, second: end } } else { Step::Split { first: end, second: body } }
}

fn may_be_empty(piece: &Piece) -> bool {
    match piece {
        Piece::Set(_) => false,
        Piece::Seq(pieces) => pieces.iter().all(may_be_empty),
        Piece::Or(ways) => ways.iter().any(may_be_empty),
        Piece::Repeat { of, least, .. } => *least == 0 || may_be_empty(of),
        Piece::Group(_, of) => may_be_empty(of),
        Piece::At(_) => true,
    }
}

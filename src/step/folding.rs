//! Which way are values folded: by a fold that the kernels know, row by row, or all keys at once, round by round?

use arrow_array::ArrayRef;

use crate::block::Kind;
use crate::error::Result;
use crate::expr::{Program, RoundFolder, RowFolder};
use crate::kernel::fold::{Fold, Folder};

/// The functions of a fold.
#[derive(Clone)]
pub struct Folding {
    /// Makes the first accumulator of a value; it is the value itself where there is no function.
    create: Option<Program>,
    merge: Program,
    known: Option<Fold>,
}

impl Folding {
    /// A fold by `merge`.
    pub fn new(create: Option<&Program>, merge: &Program) -> Self {
        let create = create.filter(|create| **create != Program::identity()).cloned();
        let known = if create.is_none() { merge.fold() } else { None };
        Self { create, merge: merge.clone(), known }
    }

    /// Whether values of a kind may be folded in parts, in order, without a difference.
    pub(super) fn is_associative(&self, kind: &Kind) -> bool {
        self.known.as_ref().is_some_and(|fold| fold.is_associative(kind))
    }

    /// Whether it may go row by row, as a fold without keys must.
    pub fn runs_by_row(&self) -> bool {
        self.known.is_some() || (self.merge.runs_by_row() && self.create.as_ref().is_none_or(Program::runs_by_row))
    }

    /// A folder that goes row by row for values of a kind; `None` if there is none.
    pub(super) fn by_row(&self, kind: &Kind) -> Option<AnyFolder> {
        if let Some(folder) = self.known.as_ref().and_then(|fold| Folder::new(fold, kind)) {
            return Some(AnyFolder::Known(Box::new(folder)));
        }
        let folder = RowFolder::new(self.create.as_ref(), &self.merge, kind).ok()?;
        Some(AnyFolder::Rows(Box::new(folder)))
    }

    /// A folder for values of a kind and many keys.
    pub(super) fn by_key(&self, kind: &Kind) -> AnyFolder {
        let rounds = || AnyFolder::Rounds(Box::new(RoundFolder::new(self.create.as_ref(), &self.merge, kind)));
        self.by_row(kind).unwrap_or_else(rounds)
    }
}

/// The rows that are left to Python.
pub(super) enum Left {
    /// This one and all after it.
    From(usize),
    /// These.
    Rows(Vec<u32>),
}

/// Values by number of their key.
pub(super) enum AnyFolder {
    Known(Box<Folder>),
    Rows(Box<RowFolder>),
    Rounds(Box<RoundFolder>),
}

impl AnyFolder {
    /// The kind of the values that come in.
    pub(super) fn kind(&self) -> &Kind {
        match self {
            Self::Known(folder) => folder.kind(),
            Self::Rows(folder) => folder.kind(),
            Self::Rounds(folder) => folder.kind(),
        }
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Known(folder) => folder.bytes(),
            Self::Rows(folder) => folder.bytes(),
            Self::Rounds(folder) => folder.bytes(),
        }
    }

    /// Folds in a value for each key number in `ids`; new keys have the next numbers, in order. What is left, if anything.
    pub(super) fn add(&mut self, ids: &[u32], values: &ArrayRef) -> Result<Option<Left>> {
        let stopped = match self {
            Self::Known(folder) => folder.add(ids, values)?,
            Self::Rows(folder) => folder.add(ids, values)?,
            Self::Rounds(folder) => {
                let left = folder.add(ids, values)?;
                return Ok(if left.is_empty() { None } else { Some(Left::Rows(left)) });
            }
        };
        Ok(stopped.err().map(|stop| Left::From(stop.row)))
    }

    /// The folded values by number of their key.
    pub(super) fn finish(self) -> Result<(Kind, ArrayRef)> {
        match self {
            Self::Known(folder) => Ok((folder.kind().clone(), folder.finish()?)),
            Self::Rows(folder) => folder.finish(),
            Self::Rounds(folder) => folder.finish(),
        }
    }
}

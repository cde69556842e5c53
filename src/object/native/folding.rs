//! Which way are values folded: by a fold that the kernels know, or row by row as the program says?

use arrow_array::ArrayRef;

use crate::block::Kind;
use crate::error::Result;
use crate::expr::{Program, RowFolder};
use crate::kernel::fold::{Fold, Folder, Stop};

/// The functions of a fold.
#[derive(Clone)]
pub(crate) struct Folding {
    /// Makes the first accumulator of a value; it is the value itself where there is no function.
    create: Option<Program>,
    merge: Program,
    known: Option<Fold>,
}

impl Folding {
    /// `None` for functions that have no native form as a fold, whatever the values.
    pub(crate) fn new(create: Option<&Program>, merge: &Program) -> Option<Self> {
        let create = create.filter(|create| **create != Program::identity()).cloned();
        let known = if create.is_none() { merge.fold() } else { None };
        let has_form = known.is_some() || (merge.runs_by_row() && create.as_ref().is_none_or(Program::runs_by_row));
        has_form.then(|| Self { create, merge: merge.clone(), known })
    }

    /// A folder for values of a kind; `None` where Python must fold them.
    pub(super) fn folder(&self, kind: &Kind) -> Option<AnyFolder> {
        if let Some(folder) = self.known.as_ref().and_then(|fold| Folder::new(fold, kind)) {
            return Some(AnyFolder::Known(folder));
        }
        RowFolder::new(self.create.as_ref(), &self.merge, kind).ok().map(AnyFolder::Rows)
    }
}

/// Values by number of their key.
pub(super) enum AnyFolder {
    Known(Folder),
    Rows(RowFolder),
}

impl AnyFolder {
    /// The kind of the values that come in.
    pub(super) fn kind(&self) -> &Kind {
        match self {
            Self::Known(folder) => folder.kind(),
            Self::Rows(folder) => folder.kind(),
        }
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Known(folder) => folder.bytes(),
            Self::Rows(folder) => folder.bytes(),
        }
    }

    /// Folds in a value for each key number in `ids`; new keys have the next numbers, in order.
    pub(super) fn add(&mut self, ids: &[u32], values: &ArrayRef) -> Result<std::result::Result<(), Stop>> {
        match self {
            Self::Known(folder) => folder.add(ids, values),
            Self::Rows(folder) => folder.add(ids, values),
        }
    }

    /// The folded values by number of their key.
    pub(super) fn finish(self) -> Result<(Kind, ArrayRef)> {
        match self {
            Self::Known(folder) => Ok((folder.kind().clone(), folder.finish()?)),
            Self::Rows(folder) => folder.finish(),
        }
    }
}

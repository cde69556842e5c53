//! Which files of a folder are new in a batch?
//!
//! Owns the selection of Spark's `FileInputDStream`. Time is an argument: no clock, no thread. Times are `i64`
//! milliseconds since 1970.
//! 1. A file is new in the batch at `t` if it changed after the threshold, not after `t`, was not selected in a batch that
//!    is still remembered, and its name does not begin with a dot.
//! 2. The threshold is `t` minus the remembered time, and never before the monitor was made (with `new_files_only`).
//! 3. What is remembered reaches at least as far back as the threshold, so a file is not selected twice unless it
//!    changed again after it was forgotten.
//! 4. What is no regular file (a FIFO, a socket, a device) is left out, with one warning.
//! 5. A folder that cannot be listed is warned of once until it can be; nothing is selected meanwhile.
//!
//! Elsewhere: reading the files (`text.rs`), turning batches (`stream/`).

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{fs, glob, paths};
use crate::error::{EngineError, Result};

/// Whether Hadoop hides a file of this name from whoever lists a folder to read it.
pub fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMonitorSpec {
    /// A folder, or a pattern of folders; `file:` may stand in front.
    pub directory: String,
    /// Time between batches; above 0.
    pub batch_ms: i64,
    /// Selected files are remembered for at least this time.
    pub min_remember_ms: i64,
    /// Leave out files that did not change since the monitor was made.
    pub new_files_only: bool,
}

#[cfg(test)]
impl FileMonitorSpec {
    /// Watches `directory` as `textFileStream` does.
    pub fn new(directory: impl Into<String>, batch_ms: i64) -> Self {
        Self { directory: directory.into(), batch_ms, min_remember_ms: 60_000, new_files_only: true }
    }
}

/// The watch on a folder. It is data: stored and loaded, it goes on where it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileMonitor {
    spec: FileMonitorSpec,
    /// No file that changed at or before this time is ever selected.
    initial_threshold_ms: i64,
    /// The remembered batches, by their time.
    selected: BTreeMap<i64, Vec<PathBuf>>,
    /// What was warned of and still holds.
    #[serde(skip)]
    warned: Option<String>,
    /// What is no file, and was warned of.
    #[serde(skip)]
    left_out: HashSet<String>,
}

impl FileMonitor {
    /// Begins to watch. Wrong are a directory on another file system and a `batch_ms` of 0 or less.
    pub fn new(spec: FileMonitorSpec, created_at_ms: i64) -> Result<Self> {
        paths::local(&spec.directory)?;
        if spec.batch_ms <= 0 {
            return Err(EngineError::Invalid { parameter: "batch_ms", problem: "must be above 0".into() });
        }
        let initial_threshold_ms = if spec.new_files_only { created_at_ms } else { 0 };
        Ok(Self { spec, initial_threshold_ms, selected: BTreeMap::new(), warned: None, left_out: HashSet::new() })
    }

    /// The files that are new in this batch, folder by folder, as the system lists them. Batches come in order.
    pub fn new_files(&mut self, batch_time_ms: i64, warn: &dyn Fn(String)) -> Vec<PathBuf> {
        let remembered_ms = self.remembered_ms();
        let threshold_ms = self.initial_threshold_ms.max(batch_time_ms - remembered_ms);
        let known: HashSet<&PathBuf> = self.selected.values().flatten().collect();
        let is_new = |path: &PathBuf, changed_ms: i64| {
            threshold_ms < changed_ms && changed_ms <= batch_time_ms && !known.contains(path)
        };
        let (found, left_out, trouble) = list(&self.spec.directory, &is_new);
        if let Some(text) = trouble.as_ref().filter(|text| self.warned.as_ref() != Some(*text)) {
            warn(format!("textFileStream: {text}; trying again with each batch"));
        }
        self.warned = trouble;
        for text in left_out {
            if self.left_out.insert(text.clone()) {
                warn(format!("textFileStream: {text}"));
            }
        }
        self.selected.insert(batch_time_ms, found.clone());
        // After the selection, as Spark does: a batch exactly at the window's edge still counts in the next one.
        self.selected = self.selected.split_off(&(batch_time_ms - remembered_ms));
        found
    }

    /// What is watched: a folder, or a pattern of folders.
    pub fn directory(&self) -> &str {
        &self.spec.directory
    }

    /// The files of a batch are those that an earlier run of it had.
    pub fn select(&mut self, batch_time_ms: i64, files: Vec<PathBuf>) {
        self.selected.insert(batch_time_ms, files);
        self.selected = self.selected.split_off(&(batch_time_ms - self.remembered_ms()));
    }

    /// The files of each batch up to a time that is still remembered and had some.
    pub fn selected_until(&self, batch_time_ms: i64) -> BTreeMap<i64, Vec<PathBuf>> {
        let found = self.selected.range(..=batch_time_ms).filter(|(_, files)| !files.is_empty());
        found.map(|(time, files)| (*time, files.clone())).collect()
    }

    /// The same watch with other files remembered.
    pub fn with_selected(&self, selected: BTreeMap<i64, Vec<PathBuf>>) -> Self {
        let (spec, initial_threshold_ms) = (self.spec.clone(), self.initial_threshold_ms);
        Self { spec, initial_threshold_ms, selected, warned: None, left_out: HashSet::new() }
    }

    /// The files of a batch that is still remembered; none for any other.
    #[cfg(test)]
    pub fn selected(&self, batch_time_ms: i64) -> &[PathBuf] {
        self.selected.get(&batch_time_ms).map_or(&[], Vec::as_slice)
    }

    /// Whole batches that cover the time to remember.
    fn remembered_ms(&self) -> i64 {
        let FileMonitorSpec { batch_ms, min_remember_ms, .. } = self.spec;
        (min_remember_ms.max(0) + batch_ms - 1) / batch_ms * batch_ms
    }
}

/// The new files of all folders that `directory` names, what is new and no file, and what kept a folder from being listed, if anything.
fn list(directory: &str, is_new: &dyn Fn(&PathBuf, i64) -> bool) -> (Vec<PathBuf>, Vec<String>, Option<String>) {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    let mut trouble = None;
    match folders(directory) {
        Ok(folders) => {
            for folder in folders {
                if let Err(cause) = list_folder(&folder, is_new, (&mut found, &mut left_out)) {
                    let reason = paths::reason(&cause);
                    trouble = Some(format!("cannot list {} ({reason})", paths::display(&folder)));
                }
            }
        }
        Err(problem) => trouble = Some(problem),
    }
    (found, left_out, trouble)
}

/// The folders that are there. A plain path is given as it is: listing it will say what is wrong.
fn folders(directory: &str) -> Result<Vec<PathBuf>, String> {
    let pattern = paths::local(directory).map_err(|error| error.to_string())?;
    if !glob::is_glob(&pattern) {
        return Ok(vec![PathBuf::from(glob::unescape(&pattern))]);
    }
    let mut folders = glob::expand(&pattern)?;
    folders.retain(|path| fs::of(path).look(path).is_ok_and(|known| known.is_folder()));
    if folders.is_empty() {
        return Err(format!("no folder matches file:{pattern}"));
    }
    Ok(folders)
}

fn list_folder(
    folder: &Path,
    is_new: &dyn Fn(&PathBuf, i64) -> bool,
    (found, left_out): (&mut Vec<PathBuf>, &mut Vec<String>),
) -> io::Result<()> {
    for fs::Entry { path, known } in fs::of(folder).list(folder)? {
        // One that went away since it was listed is not there to be read.
        let Ok(known) = known else { continue };
        let visible = path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
        let is_new = visible && !known.is_folder() && is_new(&path, known.changed_ms);
        match known.what_else().filter(|_| is_new) {
            Some(kind) => left_out.push(format!("{} is {kind} and left out", paths::display(&path))),
            None if is_new => found.push(path),
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

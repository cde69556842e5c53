//! Files that appear in a folder: a batch has those that are new in it.
//!
//! Their records can be asked for again, as long as the files are there. A range is their paths. Which files were selected is
//! remembered for a while (`source/files.rs`), and so it is in checkpoints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use super::registry::{Found, odd, settings_of};
use super::source::{Described, Host, Moment, Saved, Source, Start};
use super::text::{Records, stream_files};
use crate::error::{EngineError, Result};
use crate::rdd::Rdd;
use crate::source::{FileMonitor, FileMonitorSpec};

/// The path of a file: text if it is text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PathName {
    /// Most are.
    Text(String),
    /// Those that are not.
    Bytes(Vec<u8>),
}

impl From<&Path> for PathName {
    fn from(path: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt;
        path.to_str().map_or_else(|| Self::Bytes(path.as_os_str().as_bytes().to_vec()), |text| Self::Text(text.into()))
    }
}

impl From<PathName> for PathBuf {
    fn from(name: PathName) -> Self {
        use std::os::unix::ffi::OsStringExt;
        match name {
            PathName::Text(text) => Self::from(text),
            PathName::Bytes(bytes) => Self::from(std::ffi::OsString::from_vec(bytes)),
        }
    }
}

fn names(paths: &[PathBuf]) -> Vec<PathName> {
    paths.iter().map(|path| PathName::from(path.as_path())).collect()
}

fn paths(names: &[PathName]) -> Vec<PathBuf> {
    names.iter().cloned().map(PathBuf::from).collect()
}

/// A watched folder.
pub struct Files {
    directory: String,
    records: Records,
    watch: Mutex<Watch>,
    host: OnceLock<Arc<Host>>,
}

enum Watch {
    /// Files older than this are not new.
    New(FileMonitorSpec, i64),
    /// The monitor, and what checkpoints hold of it already.
    Begun(FileMonitor, BTreeMap<i64, Arc<Vec<u8>>>),
}

impl Files {
    /// What a checkpoint calls it.
    pub const KIND: &'static str = "files";

    /// Watches a folder; files older than `created_ms` are not new.
    pub fn new(spec: FileMonitorSpec, records: Records, created_ms: i64) -> Self {
        let directory = spec.directory.clone();
        Self { directory, records, watch: Mutex::new(Watch::New(spec, created_ms)), host: OnceLock::new() }
    }

    pub(super) fn found(found: Found) -> Result<Self> {
        let (monitor, records): (FileMonitor, Records) = settings_of(&found.settings)?;
        let files = |(time, text): (i64, Vec<u8>)| {
            let names: Vec<PathName> = serde_json::from_slice(&text).map_err(|problem| odd(&problem))?;
            Ok((time, paths(&names)))
        };
        let selected = found.pieces.into_iter().map(files).collect::<Result<_>>()?;
        let directory = monitor.directory().to_owned();
        let watch = Watch::Begun(monitor.with_selected(selected), BTreeMap::new());
        Ok(Self { directory, records, watch: Mutex::new(watch), host: OnceLock::new() })
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn host(&self) -> Result<&Arc<Host>> {
        self.host.get().ok_or_else(unstarted)
    }
}

fn unstarted() -> EngineError {
    EngineError::Bug("a watched folder that was not started".into())
}

impl Source for Files {
    type Range = Vec<PathName>;

    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn shown(&self) -> (String, Vec<Arc<Rdd>>) {
        (format!("files of {}", self.directory), Vec::new())
    }

    fn start(&self, start: Start<Vec<PathName>>) -> Result<()> {
        let mut watch = self.watch();
        if let Watch::New(spec, created_ms) = &*watch {
            *watch = Watch::Begun(FileMonitor::new(spec.clone(), *created_ms)?, BTreeMap::new());
        }
        if let Watch::Begun(monitor, _) = &mut *watch {
            start.past.iter().for_each(|(time, files)| monitor.select(*time, paths(files)));
        }
        // Set already: a source is started once.
        let _ = self.host.set(start.host);
        Ok(())
    }

    fn plan(&self, time: i64) -> Result<Vec<PathName>> {
        let host = self.host()?;
        let mut warnings = Vec::new();
        let files = match &mut *self.watch() {
            Watch::New(..) => return Err(unstarted()),
            Watch::Begun(monitor, saved) => {
                // What was planned for this time before, and failed, is planned anew.
                saved.remove(&time);
                let told = std::cell::RefCell::new(&mut warnings);
                names(&monitor.new_files(time, &|text| told.borrow_mut().push(text)))
            }
        };
        // Whoever is warned may need the interpreter.
        warnings.into_iter().for_each(|text| (host.warn)(text));
        Ok(files)
    }

    fn rdd(&self, _time: i64, range: &Vec<PathName>) -> Result<Arc<Rdd>> {
        let host = self.host()?;
        stream_files(&paths(range), self.records, &host.told, &host.warn)
    }

    fn describe(&self, _time: i64, range: &Vec<PathName>) -> Option<Described> {
        let names: Vec<String> = paths(range).iter().map(|path| path.display().to_string()).collect();
        Some(Described { records: 0, description: Some(names.join("\n")) })
    }

    fn save(&self, moment: &Moment<'_, Vec<PathName>>) -> Result<Saved> {
        let mut watch = self.watch();
        let Watch::Begun(monitor, saved) = &mut *watch else { return Err(unstarted()) };
        let selected = monitor.selected_until(moment.time);
        saved.retain(|time, _| selected.contains_key(time));
        for (time, files) in selected {
            if let std::collections::btree_map::Entry::Vacant(free) = saved.entry(time) {
                let text =
                    serde_json::to_vec(&names(&files)).map_err(|problem| EngineError::Bug(problem.to_string()))?;
                free.insert(Arc::new(text));
            }
        }
        let settings = (monitor.with_selected(BTreeMap::new()), self.records);
        Ok(Saved { pieces: saved.clone(), ..Saved::settings(&settings)? })
    }
}

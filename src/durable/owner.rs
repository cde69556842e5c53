//! How does a run take a checkpoint folder for itself, and how does it notice that another one has?
//!
//! Owns `Owner`: the lock (`lock`, by `flock`), the file of the epoch (`epoch-<number>`), and the list of the folders that
//! this process has. What follows from what is found is decided in `fencing.rs`.
//! 1. Order: lock; the file of the next epoch, which only one can make; those of older epochs are removed. From then on
//!    no other run gets an acknowledgement, so what is read afterwards is all that they were acknowledged.
//! 2. `check` comes after a write is durable and before it is acknowledged. It opens the own file by name: that is an answer of
//!    the server on network file systems too, and costs microseconds elsewhere. The path must still lead to the folder that is
//!    open: one that was put aside for a copy is nobody's.
//! 3. A forked process has neither the lock nor the epoch of its parent, whatever it inherited.
//! 4. `release` is for good: nothing is acknowledged afterwards.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::Pid;

use super::fencing::{Claim, EpochFile, Inherited, Locked, Standing, holder, may_begin, standing};
use super::files::unseal;
use super::folder::{Folder, Place, Trust};
use crate::error::{EngineError, Result};
use crate::process::{self, Origin, Renewed};

const KIND: [u8; 4] = *b"epch";
const LOCK: &str = "lock";
const EPOCH: &str = "epoch-";
/// A lock file that is replaced while it is locked is tried again; so is an epoch that another process was faster with.
const TRIES: usize = 20;
/// Between two looks at a lock that is held by nobody who is known.
const PAUSE: Duration = Duration::from_millis(100);

/// Whether locks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// Where the file system has them.
    Used,
    /// Never, as where it has none.
    Unused,
}

/// The folders of this process.
static OWNED: Renewed<Mutex<HashSet<Place>>> = Renewed::new(Mutex::default);

#[derive(Debug, Default)]
struct Holding {
    lock: Option<process::Held<File>>,
    place: Option<Place>,
    released: bool,
}

/// The right to write to a folder.
#[derive(Debug)]
pub(super) struct Owner {
    folder: Arc<Folder>,
    locks: Locks,
    /// The process that took it.
    origin: Origin,
    epoch: u64,
    held: Mutex<Holding>,
}

fn epoch_name(epoch: u64) -> String {
    format!("{EPOCH}{epoch}")
}

/// The epochs whose files are in a folder, rising.
pub(super) fn epochs(folder: &Folder) -> io::Result<Vec<u64>> {
    let names = folder.names(EPOCH)?;
    let number = |name: &String| name.strip_prefix(EPOCH)?.parse::<u32>().ok().map(u64::from);
    let mut found: Vec<u64> = names.iter().filter_map(number).collect();
    found.sort_unstable();
    Ok(found)
}

/// What the file of an epoch says.
pub(super) fn read_epoch(folder: &Folder, epoch: u64) -> Result<EpochFile, String> {
    let name = epoch_name(epoch);
    let read = || serde_json::from_slice(unseal(KIND, &folder.read(&name)?)?).map_err(|cause| cause.to_string());
    read().map_err(|problem: String| format!("{name}: {problem}"))
}

fn lock_owned() -> MutexGuard<'static, HashSet<Place>> {
    OWNED.get().lock().unwrap_or_else(PoisonError::into_inner)
}

impl Owner {
    /// Takes a folder. `least`: the epoch is a later one than that. `ready` is asked right before and right after
    /// the epoch is taken, while nobody has lost anything yet.
    pub(super) fn take(folder: &Arc<Folder>, locks: Locks, least: u64, ready: &dyn Fn() -> Result<()>) -> Result<Self> {
        let failed = |cause| EngineError::External { context: context(folder), cause };
        let mut held = Holding::default();
        enter(folder, &mut held)?;
        let taken = Self::take_in(folder, locks, least, ready, &mut held).map_err(|taken| taken.unwrap_or_else(failed));
        match taken {
            Ok(epoch) => {
                let (folder, held) = (Arc::clone(folder), Mutex::new(held));
                Ok(Self { folder, locks, origin: Origin::here(), epoch, held })
            }
            Err(error) => {
                leave(&mut held);
                Err(error)
            }
        }
    }

    fn take_in(
        folder: &Folder,
        locks: Locks,
        least: u64,
        ready: &dyn Fn() -> Result<()>,
        held: &mut Holding,
    ) -> Result<u64, Failed> {
        for tries_left in (0..TRIES).rev() {
            let before = epochs(folder)?;
            let newest = before.last().copied();
            let known = newest.and_then(|newest| read_epoch(folder, newest).ok());
            let locked = if held.lock.is_some() { Locked::Yes } else { try_lock(folder, locks, held)? };
            let here = claim();
            let claim_before = known.as_ref().map(|known| &known.claim);
            let found = holder(claim_before, &here, claim_before.and_then(|claim| began(claim.pid)));
            if !may_begin(locked, found) {
                return Err(Failed::Engine(busy(folder, claim_before)));
            }
            if locked == Locked::Busy && tries_left > 0 {
                // The epoch is of a process that has ended: most likely another one has just begun, and will say so.
                thread::sleep(PAUSE);
                continue;
            }
            let epoch = newest.unwrap_or(0).max(least) + 1;
            // What does not count any more does not count again.
            let inherited = known.map(|known| known.inherited).unwrap_or_default();
            let name = epoch_name(epoch);
            let draft =
                folder.draft(&name, KIND, &to_json(&EpochFile { claim: here, inherited }).map_err(Failed::Engine)?)?;
            // Twice, with nothing in between but the name: what another run was acknowledged before it saw the name is seen
            // here, and what is under way in a paused one, and will not be acknowledged, hardly is.
            ready().map_err(Failed::Engine)?;
            match folder.settle_new(&draft, &name) {
                Ok(()) => {}
                // Somebody was faster: perhaps he holds the lock by now.
                Err(cause) if cause.kind() == ErrorKind::AlreadyExists => continue,
                Err(cause) => return Err(Failed::Io(cause)),
            }
            if let Err(error) = ready() {
                folder.remove(&name)?;
                return Err(Failed::Engine(error));
            }
            before.iter().try_for_each(|old| folder.remove(&epoch_name(*old)))?;
            folder.sync()?;
            return Ok(epoch);
        }
        Err(Failed::Engine(busy(folder, None)))
    }

    /// Which epoch this is.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    fn held(&self) -> MutexGuard<'_, Holding> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the run has ended.
    pub(super) fn is_released(&self) -> bool {
        self.held().released
    }

    /// Whether what was written may be acknowledged. `Replaced`: never again.
    pub(super) fn check(&self) -> Result<()> {
        if !self.origin.is_here() {
            let path = self.folder.path().display();
            let problem =
                format!("the checkpoint folder {path} is written by the process that this one was forked from");
            return Err(EngineError::Replaced { problem });
        }
        if self.is_released() {
            return Err(EngineError::Cancelled { reason: "the stream has stopped: it writes no more".into() });
        }
        let failed = || EngineError::external(context(&self.folder));
        let here = self.folder.has(&epoch_name(self.epoch)).map_err(failed())?;
        let later = self.folder.has(&epoch_name(self.epoch + 1)).map_err(failed())?;
        let in_place = self.folder.is_in_place().map_err(failed())?;
        if here && !later && in_place {
            return Ok(());
        }
        let now = if in_place { None } else { Folder::open(self.folder.path(), Trust::Anybody).ok() };
        let now = now.as_ref().unwrap_or(&self.folder);
        let present = epochs(now).map_err(failed())?;
        match standing(self.epoch, &present) {
            Standing::Replaced => Err(self.replaced(now, present.last().copied())),
            Standing::Newest if in_place => Ok(()),
            Standing::Newest | Standing::Gone => {
                let cause = io::Error::new(ErrorKind::NotFound, "it was emptied or moved, or is gone");
                Err(EngineError::External { context: context(&self.folder), cause })
            }
        }
    }

    fn replaced(&self, folder: &Folder, by: Option<u64>) -> EngineError {
        let by = by.and_then(|epoch| read_epoch(folder, epoch).ok()).map(|found| told(&found.claim));
        let problem = format!(
            "this stream was replaced: the checkpoint folder {} was taken over by {}. What this process wrote since does not \
             count, and it must not go on: the stream has stopped here",
            self.folder.path().display(),
            by.unwrap_or_else(|| "another process".into()),
        );
        EngineError::Replaced { problem }
    }

    /// Writes down what this run goes on from: what older ones write from now on does not count.
    pub(super) fn inherit(&self, inherited: Inherited) -> Result<()> {
        let text = to_json(&EpochFile { claim: claim(), inherited })?;
        self.folder.write(&epoch_name(self.epoch), KIND, &text)
    }

    /// Takes the folder again, after a write has failed, if it was emptied or made anew. `Replaced`: by another run.
    pub(super) fn regain(&self) -> Result<()> {
        if self.is_released() {
            return Ok(());
        }
        let failed = || EngineError::external(context(&self.folder));
        let before = self.folder.place().map_err(failed())?;
        self.folder.reopen().map_err(failed())?;
        let present = epochs(&self.folder).map_err(failed())?;
        let standing = standing(self.epoch, &present);
        let moved = self.folder.place().map_err(failed())? != before;
        match standing {
            Standing::Newest if !moved => return Ok(()),
            Standing::Replaced => return Err(self.replaced(&self.folder, present.last().copied())),
            Standing::Newest | Standing::Gone => {}
        }
        let mut held = self.held();
        leave(&mut held);
        enter(&self.folder, &mut held)?;
        let locked = try_lock(&self.folder, self.locks, &mut held);
        if locked.map_err(failed())? == Locked::Busy {
            return Err(self.replaced(&self.folder, None));
        }
        if standing == Standing::Newest {
            return Ok(());
        }
        let file = EpochFile { claim: claim(), inherited: Inherited::default() };
        match write_epoch(&self.folder, self.epoch, &file) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
                Err(self.replaced(&self.folder, Some(self.epoch)))
            }
            other => other.map_err(failed()),
        }
    }

    /// The run has ended.
    pub(super) fn release(&self) {
        let mut held = self.held();
        held.released = true;
        if self.origin.is_here() {
            leave(&mut held);
            self.folder.close();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.release();
    }
}

/// Why a folder could not be taken.
enum Failed {
    Io(io::Error),
    Engine(EngineError),
}

impl Failed {
    fn unwrap_or_else(self, failed: impl FnOnce(io::Error) -> EngineError) -> EngineError {
        match self {
            Self::Io(cause) => failed(cause),
            Self::Engine(error) => error,
        }
    }
}

impl From<io::Error> for Failed {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

/// Notes a folder as one of this process.
fn enter(folder: &Folder, held: &mut Holding) -> Result<()> {
    let place = folder.place().map_err(EngineError::external(context(folder)))?;
    if !lock_owned().insert(place) {
        return Err(refused(folder, "another stream of this process writes to it: stop that one first"));
    }
    held.place = Some(place);
    Ok(())
}

/// The reverse: unlocked explicitly, because processes that were forked meanwhile have the file open as well.
fn leave(held: &mut Holding) {
    if let Some(lock) = held.lock.take() {
        // What cannot be unlocked is unlocked with its last handle.
        let _ = rustix::fs::flock(&*lock, FlockOperation::Unlock);
    }
    if let Some(place) = held.place.take() {
        lock_owned().remove(&place);
    }
}

fn try_lock(folder: &Folder, locks: Locks, held: &mut Holding) -> io::Result<Locked> {
    if locks == Locks::Unused {
        return Ok(Locked::Unsupported);
    }
    for _ in 0..TRIES {
        let file = folder.open_lock(LOCK)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(Locked::Busy),
            Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(Locked::Unsupported),
            Err(error) => return Err(error.into()),
        }
        // Under its name, or it is the lock of nobody.
        if folder.is_at(LOCK, &file)? {
            held.lock = Some(process::Held::new(file));
            return Ok(Locked::Yes);
        }
    }
    Ok(Locked::Busy)
}

fn write_epoch(folder: &Folder, epoch: u64, file: &EpochFile) -> io::Result<()> {
    let name = epoch_name(epoch);
    let draft = folder.draft(&name, KIND, &serde_json::to_vec(file).map_err(io::Error::other)?)?;
    folder.settle_new(&draft, &name)?;
    folder.sync()
}

fn to_json(file: &EpochFile) -> Result<Vec<u8>> {
    serde_json::to_vec(file).map_err(|problem| EngineError::Bug(problem.to_string()))
}

fn context(folder: &Folder) -> String {
    format!("the checkpoint folder {}", folder.path().display())
}

fn refused(folder: &Folder, problem: &str) -> EngineError {
    let problem = format!("the checkpoint folder {} cannot be taken: {problem}", folder.path().display());
    EngineError::Refused { class: "org.apache.spark.SparkException", problem }
}

fn busy(folder: &Folder, claim: Option<&Claim>) -> EngineError {
    let who = claim.map_or_else(|| "another process".into(), told);
    refused(
        folder,
        &format!("{who} writes to it. One stream runs on a folder at a time: stop that process, or use another folder"),
    )
}

/// Who it is, for people.
pub(super) fn told(claim: &Claim) -> String {
    let Claim { host, pid, since, .. } = claim;
    format!("process {pid} on {host}, since {}", utc(*since))
}

/// A time as text, UTC.
pub(super) fn utc(milliseconds: i64) -> String {
    let seconds = milliseconds.div_euclid(1000);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years: leap days are then the last of their years.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + next;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", rest / 3600, rest / 60 % 60, rest % 60)
}

/// What this process writes into a claim.
fn claim() -> Claim {
    let pid = std::process::id();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Claim { host, boot, pid, began: began(pid).unwrap_or(0), since: now }
}

/// When a process of this machine began, as the system counts (0: not known); none: there is no such process.
fn began(pid: u32) -> Option<u64> {
    let lives = i32::try_from(pid).ok().and_then(Pid::from_raw).is_some_and(|pid| {
        // Not allowed to signal it: so it is there.
        !matches!(rustix::process::test_kill_process(pid), Err(Errno::SRCH))
    });
    let stat = lives.then(|| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())?;
    // The name of the program, in brackets, may hold anything; the beginning is the twentieth after it. A zombie has ended.
    let mut words = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
    let state = words.next();
    if matches!(state, Some("Z" | "X")) {
        return None;
    }
    Some(words.nth(18).and_then(|word| word.parse().ok()).unwrap_or(0))
}

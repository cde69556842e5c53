//! Who ends a process that cannot react to Ctrl-C or SIGTERM any more? A thread that needs neither the interpreter nor a lock.
//!
//! Python runs handlers of signals in its main thread, which needs the interpreter. A call that keeps that (a regular
//! expression without end) or a call of the system that does not return would make the process deaf.
//! 1. Signals are not taken away: a hook around CPython's own handler notes that one came, and calls it. Where the program
//!    has SIG_IGN, SIG_DFL or a handler of another library, there is no hook.
//! 2. Whether the main thread reacts is asked by a signal of our own (the *probe*), sent to that thread: its handler in
//!    Python answers. Calls of the system are interrupted by it, and go on (PEP 475). It is sent only while a signal waits.
//! 3. When there is no answer (`decide.rs`), what the threads do is told (`doing.rs`; then the *tracer*, a signal that
//!    `faulthandler` answers without the interpreter, shows all stacks), and the process dies of the signal it got.
//! 4. Without a signal the thread looks at calls of the system that do not return, every other second, and tells of each once.
//!
//! Elsewhere: which signals the probe and the tracer are (`core/engine/signals.py`).

mod decide;

use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use libc::{c_int, sighandler_t};

use self::decide::{Asked, Unanswered};
use crate::doing::{self, Kind};
use crate::process::{Origin, exit_now};
use crate::stack;

/// The signals that ask a process to end.
const ENDING: [c_int; 2] = [libc::SIGINT, libc::SIGTERM];
/// How often a main thread that has not answered is asked.
const ASK: Duration = Duration::from_millis(100);
/// How often calls of the system are looked at, and how long one may take before it is told of.
const LOOK: Duration = Duration::from_secs(2);
const SLOW_MS: u64 = 5000;
/// How long it may take to say why the process ends: whoever reads may be stuck, too.
const SAYING: Duration = Duration::from_secs(1);

/// CPython's own handler, the same for all signals.
static PYTHON: AtomicUsize = AtomicUsize::new(0);
static PROBE: AtomicI32 = AtomicI32::new(0);
static TRACER: AtomicI32 = AtomicI32::new(0);
static MAIN: AtomicU64 = AtomicU64::new(0);
/// Signals so far, the last one, and answers so far.
static CAME: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);
static LAST_MS: AtomicU64 = AtomicU64::new(0);
static ANSWERS: AtomicU64 = AtomicU64::new(0);
/// The end of the process has begun because of a signal.
static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// Told of calls of the system that do not return.
static WARN: OnceLock<fn(String)> = OnceLock::new();
static NOTEBOOK: AtomicBool = AtomicBool::new(false);
/// Waits of the main thread in the engine, one within the other.
static WAITS: AtomicUsize = AtomicUsize::new(0);
static WAKE: [AtomicI32; 2] = [const { AtomicI32::new(-1) }; 2];

/// What runs when a signal comes: nothing but what may be done there.
extern "C" fn on_signal(number: c_int) {
    LAST.store(number, Ordering::Relaxed);
    CAME.fetch_add(1, Ordering::Release);
    let errno = std::io::Error::last_os_error().raw_os_error();
    wake();
    let python = PYTHON.load(Ordering::Relaxed);
    if python != 0 {
        // SAFETY: the address of CPython's handler, as `begin` found it.
        unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(python)(number) };
    }
    if let Some(errno) = errno {
        set_errno(errno);
    }
}

#[cfg(target_os = "linux")]
fn set_errno(value: c_int) {
    // SAFETY: this thread's own variable.
    unsafe { *libc::__errno_location() = value };
}

#[cfg(not(target_os = "linux"))]
fn set_errno(_value: c_int) {}

fn wake() {
    // SAFETY: writes one byte to a pipe of ours that never blocks; when it is full the thread is awake anyway.
    unsafe { libc::write(WAKE[1].load(Ordering::Relaxed), c"!".as_ptr().cast(), 1) };
}

/// Who handles a signal now.
fn handler_of(number: c_int) -> Option<libc::sigaction> {
    let mut found = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: reads; fills the struct if it succeeds.
    unsafe { (libc::sigaction(number, std::ptr::null(), found.as_mut_ptr()) == 0).then(|| found.assume_init()) }
}

/// Begins to watch, or begins again in a forked child. `probe` and `tracer` (0: none) are numbers of signals that are
/// handled, the first by CPython. To be called in the main thread. False where it cannot be done.
pub fn begin(probe: c_int, tracer: c_int, notebook: bool, warn: fn(String)) -> bool {
    WARN.get_or_init(|| warn);
    static BEGUN: Mutex<Option<Origin>> = Mutex::new(None);
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    if begun.is_some_and(Origin::is_here) {
        return true;
    }
    let Some(python) = handler_of(probe) else { return false };
    let mut ends = [-1; 2];
    // SAFETY: fills two descriptors if it succeeds.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return false;
    }
    for (place, end) in WAKE.iter().zip(ends) {
        // SAFETY: descriptors made above.
        unsafe {
            libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC);
            libc::fcntl(end, libc::F_SETFL, libc::O_NONBLOCK);
        }
        // Those of a parent stay open: closing would wake nobody, and they are few.
        place.store(end, Ordering::Relaxed);
    }
    PYTHON.store(python.sa_sigaction, Ordering::Relaxed);
    PROBE.store(probe, Ordering::Relaxed);
    TRACER.store(tracer, Ordering::Relaxed);
    MAIN.store(doing::this_thread(), Ordering::Relaxed);
    NOTEBOOK.store(notebook, Ordering::Relaxed);
    IS_ENDING.store(false, Ordering::Relaxed);
    WAITS.store(0, Ordering::Relaxed);
    if stack::spawn("dstreams-watch", || watch(Origin::here())).is_err() {
        return false;
    }
    *begun = Some(Origin::here());
    true
}

/// Puts the hook around CPython's handlers where it is not. To be called while no thread can change handlers: attached.
pub fn hook() {
    let python = PYTHON.load(Ordering::Relaxed);
    if python == 0 {
        return;
    }
    for number in ENDING {
        if let Some(mut action) = handler_of(number).filter(|action| action.sa_sigaction == python) {
            action.sa_sigaction = on_signal as *const () as sighandler_t;
            // SAFETY: the same flags and mask, and a handler of the same form.
            unsafe { libc::sigaction(number, &raw const action, null_mut()) };
        }
    }
}

/// The main thread has run its handlers.
pub fn answer() {
    ANSWERS.fetch_add(1, Ordering::Release);
    wake();
}

/// The process ends because of a signal that came not long ago, if one did: what holds it up now is not waited for.
pub fn ending() {
    if CAME.load(Ordering::Acquire) > 0 && doing::now_ms().saturating_sub(LAST_MS.load(Ordering::Relaxed)) < 60_000 {
        IS_ENDING.store(true, Ordering::Release);
        wake();
    }
}

/// The main thread waits in the engine until dropped.
pub struct InEngine(bool);

impl InEngine {
    /// Of use in the main thread alone.
    pub fn enter() -> Self {
        let main = MAIN.load(Ordering::Relaxed) == doing::this_thread();
        if main {
            WAITS.fetch_add(1, Ordering::Relaxed);
        }
        Self(main)
    }
}

impl Drop for InEngine {
    fn drop(&mut self) {
        if self.0 {
            WAITS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn watch(origin: Origin) {
    block_signals();
    let mut unanswered = Unanswered::default();
    let mut told = 0;
    let (mut came, mut answers) = (CAME.load(Ordering::Acquire), ANSWERS.load(Ordering::Acquire));
    while origin.is_here() {
        sleep(if unanswered.any() { ASK } else { LOOK });
        let now = doing::now_ms();
        let (came_now, answers_now) = (CAME.load(Ordering::Acquire), ANSWERS.load(Ordering::Acquire));
        if answers_now != answers && unanswered.any() {
            unanswered.answered(now, IS_ENDING.load(Ordering::Acquire));
        }
        for _ in came..came_now {
            LAST_MS.store(now, Ordering::Relaxed);
            unanswered.came(now);
        }
        if IS_ENDING.load(Ordering::Acquire) && !unanswered.any() {
            unanswered.answered(now, true);
        }
        (came, answers) = (came_now, answers_now);
        let doing = doing::all();
        told = tell_of_slow(&doing, now, told);
        if !unanswered.any() {
            continue;
        }
        let busy = !doing.is_empty() || WAITS.load(Ordering::Relaxed) > 0;
        if unanswered.is_enough(now, Asked { busy, notebook: NOTEBOOK.load(Ordering::Relaxed) }) {
            end(LAST.load(Ordering::Relaxed), now, &doing);
        }
        probe();
    }
}

/// Tells of calls of the system that began after `told` and have taken long. Gives when the last of them began.
fn tell_of_slow(doing: &[doing::Seen], now: u64, told: u64) -> u64 {
    let slow =
        |seen: &&doing::Seen| seen.kind == Kind::Waits && seen.since > told && now.saturating_sub(seen.since) > SLOW_MS;
    let mut last = told;
    for seen in doing.iter().filter(slow) {
        last = last.max(seen.since);
        if let Some(warn) = WARN.get() {
            let seconds = now.saturating_sub(seen.since) / 1000;
            warn(format!("{}: the system has not answered for {seconds} s; still waiting", seen.text));
        }
    }
    last
}

/// Waits for `wake`, at most as long as said.
fn sleep(longest: Duration) {
    let descriptor = WAKE[0].load(Ordering::Relaxed);
    let longest = c_int::try_from(longest.as_millis()).unwrap_or(c_int::MAX);
    let mut wanted = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    let mut read = [0_u8; 64];
    // SAFETY: one descriptor, and a buffer of the size that is given.
    unsafe {
        libc::poll(&raw mut wanted, 1, longest);
        while libc::read(descriptor, read.as_mut_ptr().cast(), read.len()) > 0 {}
    }
}

/// Asks the main thread, if the probe still is Python's: an interpreter that shuts down gives its signals back.
fn probe() {
    let (probe, python) = (PROBE.load(Ordering::Relaxed), PYTHON.load(Ordering::Relaxed));
    if handler_of(probe).is_some_and(|action| action.sa_sigaction == python) {
        // SAFETY: the main thread is there as long as the process is.
        unsafe { libc::pthread_kill(MAIN.load(Ordering::Relaxed) as libc::pthread_t, probe) };
    }
}

fn block_signals() {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: fills the set, then blocks it for this thread; they are for the others.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), null_mut());
    }
}

/// Ends the process as the signal would have, after saying why.
fn end(number: c_int, now: u64, doing: &[doing::Seen]) -> ! {
    // Without this thread if need be.
    let _ = stack::spawn("dstreams-end", move || {
        std::thread::sleep(SAYING);
        die_of(number)
    });
    say(&report(number, now, doing));
    let tracer = TRACER.load(Ordering::Relaxed);
    if tracer != 0 && handler_of(tracer).is_some_and(|action| action.sa_sigaction > libc::SIG_IGN) {
        raise_here(tracer);
    }
    die_of(number)
}

fn die_of(number: c_int) -> ! {
    // SAFETY: only the defaults: the process ends by it, with the status of a process that died of this signal.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    raise_here(number);
    // The first process of a container does not die of its own signals.
    exit_now(128 + number)
}

/// Sends this thread a signal and lets it arrive.
fn raise_here(number: c_int) {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: fills the set and unblocks it; the signal arrives before `raise` returns.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), number);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), null_mut());
        libc::raise(number);
    }
}

fn report(number: c_int, now: u64, doing: &[doing::Seen]) -> String {
    let name = if number == libc::SIGINT { "SIGINT (Ctrl-C)" } else { "SIGTERM" };
    let mut text =
        format!("dstreams: {name} has not been answered: the main thread cannot run. The process ends now.\n");
    for seen in doing {
        let seconds = now.saturating_sub(seen.since) as f64 / 1000.0;
        let does = match seen.kind {
            Kind::Calls => "runs",
            Kind::Waits => "waits for the system:",
        };
        text += &format!("  thread {:#018x} {does} {} (for {seconds:.1} s)\n", seen.thread, seen.text);
    }
    if doing.is_empty() {
        text += "  No function of a task, a stream or a receiver runs: it waits in the main thread.\n";
    }
    text
}

fn say(text: &str) {
    // Not through Rust's stream, whose lock a thread may hold. Nobody may be there to read it.
    // SAFETY: a buffer of the size that is given.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

//! When has a process been asked to end so long without an answer that it must be ended?
//!
//! A signal is *answered* once Python's main thread has run its handlers, whatever these do: then the program decides.
//! Time is an argument, in milliseconds.

/// After the first signal, when the engine is at work.
pub(super) const PATIENCE_MS: u64 = 3000;
/// After the first of several signals.
pub(super) const HURRY_MS: u64 = 1000;

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// Something of the engine's runs, or the main thread waits in it: what holds the process is likely ours.
    pub(super) busy: bool,
    /// A signal there means "stop this cell", not "end": only what is ours is a reason to end.
    pub(super) notebook: bool,
}

/// Signals that nobody has answered.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    first_ms: Option<u64>,
    count: u32,
}

impl Unanswered {
    /// A signal came.
    pub(super) fn came(&mut self, now_ms: u64) {
        self.first_ms.get_or_insert(now_ms);
        self.count += 1;
    }

    /// The main thread has run its handlers. When the process is `ending` all the same, it is asked again.
    pub(super) fn answered(&mut self, now_ms: u64, ending: bool) {
        *self = Self { first_ms: ending.then_some(now_ms), count: u32::from(ending) };
    }

    /// Whether there are any.
    pub(super) fn any(&self) -> bool {
        self.first_ms.is_some()
    }

    /// Whether the process must be ended.
    pub(super) fn is_enough(&self, now_ms: u64, asked: Asked) -> bool {
        let Some(first_ms) = self.first_ms else { return false };
        let waited = now_ms.saturating_sub(first_ms);
        match (asked.busy, self.count) {
            (true, 1) => waited >= PATIENCE_MS,
            (true, _) => waited >= HURRY_MS,
            (false, 1) => false,
            (false, _) => !asked.notebook && waited >= HURRY_MS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: Asked = Asked { busy: true, notebook: false };
    const IDLE: Asked = Asked { busy: false, notebook: false };

    fn came(at: &[u64]) -> Unanswered {
        let mut unanswered = Unanswered::default();
        at.iter().for_each(|at| unanswered.came(*at));
        unanswered
    }

    #[test]
    fn one_signal_has_three_seconds_and_a_second_one_makes_it_urgent() {
        let one = came(&[100]);
        assert!(!one.is_enough(3099, BUSY) && one.is_enough(3100, BUSY));
        let two = came(&[100, 200]);
        assert!(!two.is_enough(1099, BUSY) && two.is_enough(1100, BUSY));
    }

    #[test]
    fn what_is_not_ours_is_ended_by_two_signals_alone_and_never_in_a_notebook() {
        assert!(!came(&[0]).is_enough(100_000, IDLE));
        assert!(came(&[0, 5000]).is_enough(5000, IDLE));
        assert!(!came(&[0, 5000]).is_enough(100_000, Asked { notebook: true, ..IDLE }));
        assert!(came(&[0]).is_enough(PATIENCE_MS, Asked { notebook: true, ..BUSY }));
    }

    #[test]
    fn an_answer_ends_the_wait_unless_the_process_is_ending() {
        let mut answered = came(&[0, 10]);
        answered.answered(20, false);
        assert!(!answered.any() && !answered.is_enough(100_000, BUSY));
        answered.came(30);
        answered.answered(40, true);
        assert!(!answered.is_enough(3039, BUSY) && answered.is_enough(3040, BUSY));
    }
}

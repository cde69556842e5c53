//! How is a receiver, and what has to be told of it?
//!
//! Owns `ReceiverReport`: what is known of one receiver, and the events that its life makes.

use std::sync::{Mutex, PoisonError};

use super::StreamEvent;

/// All that is known of a receiver at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiverInfo {
    /// Number of its input stream.
    pub stream: u32,
    /// Its class and number, `SocketReceiver-0`.
    pub name: String,
    /// Whether it receives.
    pub active: bool,
    /// The host it runs on.
    pub location: String,
    /// What it said when it last failed or stopped; empty before that.
    pub last_error_message: String,
    /// The error with its traceback; empty if there was none.
    pub last_error: String,
    /// When that was; `None` if there was no error.
    pub last_error_time: Option<i64>,
}

type Tell = Box<dyn Fn(StreamEvent) + Send + Sync>;
type Now = Box<dyn Fn() -> i64 + Send + Sync>;

/// What is known of one receiver, told on with each change.
pub struct ReceiverReport {
    info: Mutex<ReceiverInfo>,
    tell: Tell,
    now: Now,
}

impl ReceiverReport {
    /// A receiver that has not started.
    pub fn new(stream: u32, class: &str, location: &str, tell: Tell, now: Now) -> Self {
        let (name, location) = (format!("{class}-{stream}"), location.to_owned());
        let info = ReceiverInfo { stream, name, location, ..ReceiverInfo::default() };
        Self { info: Mutex::new(info), tell, now }
    }

    /// It receives. Earlier errors are forgotten.
    pub fn started(&self) {
        let told = self.change(|info| {
            info.active = true;
            (info.last_error_message, info.last_error, info.last_error_time) = Default::default();
        });
        (self.tell)(StreamEvent::ReceiverStarted(told));
    }

    /// Something went wrong, and it goes on.
    pub fn error(&self, message: &str, error: &str) {
        let told = self.change(|info| self.note(info, message, error));
        (self.tell)(StreamEvent::ReceiverError(told));
    }

    /// It receives no more, perhaps only for a while.
    pub fn stopped(&self, message: &str, error: &str) {
        let told = self.change(|info| {
            info.active = false;
            self.note(info, message, error);
        });
        (self.tell)(StreamEvent::ReceiverStopped(told));
    }

    fn note(&self, info: &mut ReceiverInfo, message: &str, error: &str) {
        info.last_error_message = message.to_owned();
        info.last_error = error.to_owned();
        info.last_error_time = (!error.is_empty()).then(|| (self.now)());
    }

    fn change(&self, change: impl FnOnce(&mut ReceiverInfo)) -> ReceiverInfo {
        let mut info = self.info.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut info);
        info.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn each_step_is_told_with_all_that_is_known() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = {
            let told = Arc::clone(&told);
            move |event| told.lock().unwrap().push(event)
        };
        let report = ReceiverReport::new(3, "Echo", "here", Box::new(tell), Box::new(|| 77));
        report.started();
        report.error("lost a line", "IOError: eof");
        report.stopped("done", "");
        report.started();
        let info = ReceiverInfo {
            stream: 3,
            name: "Echo-3".into(),
            active: true,
            location: "here".into(),
            ..ReceiverInfo::default()
        };
        let failed = ReceiverInfo {
            last_error_message: "lost a line".into(),
            last_error: "IOError: eof".into(),
            last_error_time: Some(77),
            ..info.clone()
        };
        let stopped = ReceiverInfo { active: false, last_error_message: "done".into(), ..info.clone() };
        let wanted = [
            StreamEvent::ReceiverStarted(info.clone()),
            StreamEvent::ReceiverError(failed),
            StreamEvent::ReceiverStopped(stopped),
            StreamEvent::ReceiverStarted(info),
        ];
        assert_eq!(*told.lock().unwrap(), wanted);
    }
}

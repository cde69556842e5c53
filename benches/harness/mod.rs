//! How long does a piece of work take? Processor time of one thread where the system tells it, so that a busy machine gives
//! nearly the same figures.

use std::time::Instant;

/// Nanoseconds that this thread has run, where the system tells.
fn processor_time() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse().ok()
}

/// Runs `work` for about half a second and prints what one run costs; `bytes` are those that a run goes through.
pub fn time(name: &str, rows: usize, bytes: usize, mut work: impl FnMut()) {
    work();
    let (begin, ran, mut runs) = (Instant::now(), processor_time(), 0u32);
    while begin.elapsed().as_millis() < 500 {
        work();
        runs += 1;
    }
    let used = processor_time().zip(ran).map(|(now, before)| (now - before) as f64 / 1e9);
    let seconds = used.unwrap_or(begin.elapsed().as_secs_f64()) / f64::from(runs);
    let per_row = seconds * 1e9 / rows as f64;
    println!("{name:<40} {per_row:8.2} ns/row {:8.2} GB/s", bytes as f64 / seconds / 1e9);
}

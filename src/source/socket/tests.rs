//! Tests of `socket.rs`.

use std::io::Write;
use std::net::TcpListener;

use super::super::testing::texts;
use super::*;
use crate::block::Block;

/// Tests give up after this long.
const PATIENCE: Duration = Duration::from_secs(20);

type Warnings = Arc<Mutex<Vec<String>>>;

fn listener() -> (TcpListener, SocketSpec) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = quick(listener.local_addr().unwrap().port());
    (listener, spec)
}

fn quick(port: u16) -> SocketSpec {
    SocketSpec {
        retry: Duration::from_millis(50),
        block_interval: Duration::from_millis(10),
        ..SocketSpec::new("127.0.0.1", port)
    }
}

fn start(spec: &SocketSpec) -> (SocketLines, Warnings) {
    start_at(spec, Arc::default())
}

fn start_at(spec: &SocketSpec, rate: Arc<Rate>) -> (SocketLines, Warnings) {
    let warnings = Warnings::default();
    let noted = warnings.clone();
    let warn = Arc::new(move |text| noted.lock().unwrap().push(text));
    (SocketLines::start(spec.clone(), rate, warn, Arc::new(|_| {}), None), warnings)
}

fn blocks(taken: &Taken) -> Vec<&Block> {
    taken.groups.iter().flatten().collect()
}

/// Takes until `count` lines are there.
fn take_lines(lines: &SocketLines, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut taken = Vec::new();
    while taken.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} lines", taken.len());
        let new = lines.take();
        lines.release(new.held);
        taken.extend(blocks(&new).into_iter().flat_map(texts));
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(taken.len(), count);
    taken
}

fn wait_until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !what() {
        assert!(Instant::now() < deadline, "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Stops, and gives how long it took.
fn time_to_stop(lines: &SocketLines) -> Duration {
    let start = Instant::now();
    lines.stop();
    lines.stop();
    start.elapsed()
}

#[test]
fn lines_arrive_with_any_end_and_the_last_one_on_close() {
    let (listener, spec) = listener();
    let (lines, warnings) = start(&spec);
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"one\ntwo\r\nthr").unwrap();
    assert_eq!(take_lines(&lines, 2), ["one", "two"]);
    server.write_all(b"ee\rfour").unwrap();
    assert_eq!(take_lines(&lines, 1), ["three"]);
    assert!(warnings.lock().unwrap().is_empty());
    drop(server);
    assert_eq!(take_lines(&lines, 1), ["four"]);
    assert_eq!(lines.records(), 4);
}

#[test]
fn a_server_that_appears_later_is_found_after_one_warning() {
    let (listener, spec) = listener();
    drop(listener);
    let (lines, warnings) = start(&spec);
    wait_until(|| !warnings.lock().unwrap().is_empty());
    thread::sleep(spec.retry * 3);
    let listener = TcpListener::bind(("127.0.0.1", spec.port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"hello\n").unwrap();
    assert_eq!(take_lines(&lines, 1), ["hello"]);
    let expected = format!(
        "socketTextStream: cannot connect to 127.0.0.1:{} (Connection refused); trying again every 0.05 s",
        spec.port
    );
    assert_eq!(*warnings.lock().unwrap(), [expected]);
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let (listener, spec) = listener();
    let (lines, warnings) = start(&spec);
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"before\r").unwrap();
    assert_eq!(take_lines(&lines, 1), ["before"]);
    drop((server, listener));
    wait_until(|| warnings.lock().unwrap().len() == 2);
    let listener = TcpListener::bind(("127.0.0.1", spec.port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    // The "\r" of the old connection has nothing to do with this "\n".
    server.write_all(b"\nafter\n").unwrap();
    assert_eq!(take_lines(&lines, 2), ["", "after"]);
    let warnings = warnings.lock().unwrap();
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains(" closed") && warnings[1].contains("cannot connect"), "{warnings:?}");
}

#[test]
fn a_server_that_only_opens_and_closes_is_warned_of_once() {
    let (listener, spec) = listener();
    let (_lines, warnings) = start(&SocketSpec { retry: Duration::from_millis(1), ..spec });
    for _ in 0..5 {
        drop(listener.accept().unwrap());
    }
    assert_eq!(warnings.lock().unwrap().len(), 1);
}

#[test]
fn a_name_without_address_is_one_warning() {
    let (lines, warnings) = start(&SocketSpec { host: "no such name".into(), ..quick(9) });
    wait_until(|| !warnings.lock().unwrap().is_empty());
    assert!(warnings.lock().unwrap()[0].starts_with("socketTextStream: cannot connect to no such name:9 ("));
    lines.stop();
}

#[test]
fn a_line_above_the_limit_is_warned_of_and_the_next_one_comes() {
    let (listener, spec) = listener();
    let (lines, warnings) = start(&SocketSpec { max_line: 1000, ..spec.clone() });
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(format!("first\n{}\nlast\n", "x".repeat(1_000_000)).as_bytes()).unwrap();
    assert_eq!(take_lines(&lines, 2), ["first", "last"]);
    let expected = format!("socketTextStream: dropped a line longer than 1000 bytes from 127.0.0.1:{}", spec.port);
    wait_until(|| !warnings.lock().unwrap().is_empty());
    assert_eq!(*warnings.lock().unwrap(), [expected]);
}

#[test]
fn stopping_is_quick_whatever_the_thread_does() {
    let limit = Duration::from_millis(100);
    // Waiting for bytes.
    let (listener, spec) = listener();
    let (lines, _) = start(&spec);
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"left\n").unwrap();
    wait_until(|| lines.records() == 1);
    assert!(time_to_stop(&lines) < limit);
    assert_eq!(take_lines(&lines, 1), ["left"]);
    // Waiting for the next try.
    drop((server, listener));
    let (lines, warnings) = start(&SocketSpec { retry: Duration::from_secs(60), ..spec.clone() });
    wait_until(|| !warnings.lock().unwrap().is_empty());
    assert!(time_to_stop(&lines) < limit);
    // Connecting to an address that never answers (kept for documentation, RFC 5737).
    let (lines, _) = start(&SocketSpec { host: "192.0.2.1".into(), ..spec });
    assert!(time_to_stop(&lines) < limit);
}

#[test]
fn lines_are_grouped_by_block_interval() {
    let (listener, spec) = listener();
    let (lines, _) = start(&spec);
    let (mut server, _) = listener.accept().unwrap();
    for count in 1..=3 {
        server.write_all(b"line\n").unwrap();
        wait_until(|| lines.records() == count);
        thread::sleep(spec.block_interval * 2);
    }
    let lengths: Vec<Vec<usize>> =
        lines.take().groups.iter().map(|group| group.iter().map(Block::len).collect()).collect();
    assert_eq!(lengths, [[1], [1], [1]]);
    assert!(lines.take().groups.is_empty());
}

/// Sends `count` numbered lines as fast as they go.
fn flood(listener: TcpListener, count: usize) -> JoinHandle<()> {
    thread::spawn(move || {
        let (mut server, _) = listener.accept().unwrap();
        let text: String = (0..count).map(|number| format!("this is line {number}\n")).collect();
        server.write_all(text.as_bytes()).unwrap();
    })
}

fn assert_numbered(lines: &[String]) {
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("this is line {number}"));
    }
}

#[test]
fn nothing_is_lost_of_many_lines() {
    let (listener, spec) = listener();
    let (lines, _) = start(&spec);
    let server = flood(listener, 200_000);
    assert_numbered(&take_lines(&lines, 200_000));
    server.join().unwrap();
}

#[test]
fn a_full_receiver_makes_the_server_wait_and_loses_nothing() {
    let (listener, spec) = listener();
    let count = 500_000;
    let (lines, _) = start(&SocketSpec { max_pending_bytes: 100_000, ..spec });
    let server = flood(listener, count);
    wait_until(|| lines.records() > 0);
    thread::sleep(Duration::from_millis(100));
    let taken = lines.take();
    let waiting: usize = blocks(&taken).iter().map(|block| block.len()).sum();
    // At most the bound and one read above it; the rest waits on the server's side.
    assert!(waiting < 40_000, "{waiting} lines");
    // Taken, but not yet processed: still full.
    thread::sleep(Duration::from_millis(50));
    let more: usize = blocks(&lines.take()).iter().map(|block| block.len()).sum();
    assert!(more < 20_000, "{more} lines more");
    let waiting = waiting + more;
    lines.release(usize::MAX - taken.held);
    let rest = count - waiting;
    assert_eq!(take_lines(&lines, rest).last().unwrap(), &format!("this is line {}", count - 1));
    assert_eq!(lines.records(), count as u64);
    server.join().unwrap();
    // Full and never taken: it still stops.
    lines.stop();
}

#[test]
fn lines_come_no_faster_than_the_rate_and_none_is_lost() {
    let (listener, spec) = listener();
    let rate = Arc::new(Rate::new(Some(200), None));
    let (lines, _) = start_at(&spec, Arc::clone(&rate));
    let begun = Instant::now();
    let server = flood(listener, 5000);
    wait_until(|| lines.records() >= 40);
    // The first comes at once, and each line that ends at a read's end may be one too many.
    let most = 200.0 * begun.elapsed().as_secs_f64() + 2.0;
    assert!(lines.records() as f64 <= most, "{} lines, not {most}", lines.records());
    rate.set(u64::MAX);
    assert_eq!(take_lines(&lines, 5000).last().unwrap(), "this is line 4999");
    server.join().unwrap();
    rate.set(1);
    assert!(time_to_stop(&lines) < PATIENCE);
}

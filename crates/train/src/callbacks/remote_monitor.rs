//! The numbers of epochs, sent to a server.
use super::json::Object;
use super::jsonl_logger::numbers;
use super::{Action, Callback, RunInfo};
use barograph_vocab::{EpochRecord, RunEnd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Messages that may wait for a slow server; more are dropped (our choice).
const QUEUE: usize = 64;

/// How long the end of a training waits for messages that are still under way (our choice).
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Sends the numbers of each epoch to a server, as `POST root + path` with an object such as `{"epoch":0,"loss":0.31}`, like its namesake in
/// Keras. Numbers that are not finite are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.
///
/// A thread of its own sends them, so that a slow, hanging or missing server never holds the training up: what does not fit into a queue
/// of 64 messages is dropped. How many were not delivered, and why, is said once at the end, which waits at most two seconds for the last.
/// Only `http://`: for a server with TLS, run a relay on this machine.
#[derive(Debug)]
pub struct RemoteMonitor {
    server: Server,
    sender: Option<Sender>,
    trouble: Option<String>,
}

/// Where messages go, and how.
#[derive(Clone, Debug)]
struct Server {
    root: String,
    path: String,
    /// The name of the form field that holds the object; `None` where the body is the object.
    field: Option<String>,
    headers: Vec<(String, String)>,
    timeout: Duration,
}

/// The thread that sends, seen from the training.
#[derive(Debug)]
struct Sender {
    queue: SyncSender<String>,
    /// Closed when the thread ends.
    done: Receiver<()>,
    shared: Arc<Shared>,
    /// Messages that were put into the queue, and those that did not fit.
    sent: u64,
    dropped: u64,
}

#[derive(Debug, Default)]
struct Shared {
    delivered: AtomicU64,
    stop: AtomicBool,
    last_error: Mutex<Option<String>>,
}

impl RemoteMonitor {
    /// Sends to a server such as `http://localhost:9000`.
    #[must_use]
    pub fn new(root: &str) -> Self {
        let server = Server {
            root: root.trim_end_matches('/').to_owned(),
            path: "/publish/epoch/end/".to_owned(),
            field: Some("data".to_owned()),
            headers: Vec::new(),
            timeout: Duration::from_secs(5),
        };
        Self { server, sender: None, trouble: None }
    }

    /// The path on the server. `/publish/epoch/end/` unless told otherwise.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.server.path = format!("/{}", path.trim_start_matches('/'));
        self
    }

    /// The field of a form that holds the object, as text. `data` unless told otherwise.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.server.field = Some(field.into());
        self
    }

    /// Whether the body of a message is the object itself, instead of a form with a field.
    #[must_use]
    pub fn send_as_json(mut self, json: bool) -> Self {
        if json {
            self.server.field = None;
        }
        self
    }

    /// A header of each message.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.server.headers.push((name.into(), value.into()));
        self
    }

    /// How long a message may take, in whole seconds, at least one. Five unless told otherwise.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.server.timeout = timeout;
        self
    }

    fn post(&mut self, object: &Object) {
        let server = &self.server;
        let sender = self.sender.get_or_insert_with(|| Sender::start(server.clone()));
        match sender.queue.try_send(object.to_string()) {
            Ok(()) => sender.sent += 1,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => sender.dropped += 1,
        }
    }
}

impl Callback for RemoteMonitor {
    fn train_begin(&mut self, _: &RunInfo<'_>) -> Action {
        self.sender = None;
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let mut object = Object::default().with("epoch", epoch.epoch);
        object.add_numbers(numbers(epoch));
        self.post(&object);
        Action::Continue
    }

    fn train_end(&mut self, _: RunEnd) -> Action {
        self.trouble = self.sender.take().and_then(|sender| sender.finish(&self.server.url()));
        Action::Continue
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }
}

impl Sender {
    fn start(server: Server) -> Self {
        let (queue, messages) = sync_channel::<String>(QUEUE);
        let (ended, done) = channel();
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let work = move || {
            // Dropped when the thread ends, which closes the channel.
            let _ended = ended;
            for message in messages {
                if seen.stop.load(Ordering::Relaxed) {
                    return;
                }
                match server.deliver(&message) {
                    Ok(()) => _ = seen.delivered.fetch_add(1, Ordering::Relaxed),
                    Err(error) => *seen.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("remote monitor".to_owned()).spawn(work) {
            *shared.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        Self { queue, done, shared, sent: 0, dropped: 0 }
    }

    /// Waits a little for what is under way. Returns what was not delivered, if anything was not.
    fn finish(self, url: &str) -> Option<String> {
        let Self { queue, done, shared, sent, dropped } = self;
        drop(queue);
        let is_late = done.recv_timeout(LAST_WAIT) == Err(RecvTimeoutError::Timeout);
        shared.stop.store(true, Ordering::Relaxed);
        let (all, lost) = (sent + dropped, sent + dropped - shared.delivered.load(Ordering::Relaxed).min(sent));
        if lost == 0 {
            return None;
        }
        let error = shared.last_error.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reason = match error {
            Some(error) => error,
            None if is_late => "the server did not answer in time".to_owned(),
            None => "the server was too slow".to_owned(),
        };
        Some(format!("{url}: {lost} of {all} messages were not delivered: {reason}"))
    }
}

impl Server {
    fn url(&self) -> String {
        format!("{}{}", self.root, self.path)
    }

    /// Sends one message.
    fn deliver(&self, message: &str) -> Result<(), String> {
        let (body, kind) = match &self.field {
            Some(field) => (format!("{}={}", encoded(field), encoded(message)), "application/x-www-form-urlencoded"),
            None => (message.to_owned(), "application/json"),
        };
        let request = minreq::post(self.url())
            .with_header("Content-Type", kind)
            .with_headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .with_body(body)
            .with_timeout(self.timeout.as_secs().max(1));
        let response = request.send().map_err(|error| error.to_string())?;
        match response.status_code {
            200..300 => Ok(()),
            code => Err(format!("the server answered {code} {}", response.reason_phrase)),
        }
    }
}

/// A text as a form holds it: letters and digits as they are, all else by its bytes.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// What is wrong with the address of a server, if anything is.
pub(crate) fn check_root(root: &str) -> Option<String> {
    if root.starts_with("http://") && root.len() > "http://".len() {
        return None;
    }
    Some(match root.split_once("://") {
        Some(("https", rest)) => format!(
            "root = {root:?} needs TLS, which is not built in; run a relay on this machine and take root = \"http://localhost:9000\", \
             say, for {rest}"
        ),
        _ => format!("root = {root:?} is no address of a server; write it as \"http://localhost:9000\""),
    })
}

/// A header `Name: value`, if it is one.
pub(crate) fn header(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    let is_token =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_plain = !value.contains(['\r', '\n']);
    (is_token(name) && is_plain).then(|| (name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::{begin, epoch};
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};

    /// A server that hands out what it gets, and answers with this.
    fn server(answer: &'static str) -> (String, Receiver<(Vec<String>, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let message = message(&stream);
                let answered = (&stream).write_all(answer.as_bytes());
                if sender.send(message).is_err() || answered.is_err() {
                    return;
                }
            }
        });
        (root, receiver)
    }

    /// The head and the body of a request.
    fn message(stream: &TcpStream) -> (Vec<String>, String) {
        let mut reader = BufReader::new(stream);
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let length =
            head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    fn run(monitor: &mut RemoteMonitor, epochs: u32) -> Option<String> {
        begin(monitor, u64::from(epochs));
        for number in 0..epochs {
            assert_eq!(monitor.epoch_end(&epoch(number, if number == 0 { f64::NAN } else { 0.5 })), Action::Continue);
        }
        assert_eq!(monitor.trouble(), None);
        monitor.train_end(RunEnd::Completed);
        monitor.trouble()
    }

    #[test]
    fn each_epoch_is_posted_as_json_with_the_headers() {
        let (root, messages) = server(OK);
        let monitor = RemoteMonitor::new(&root).path("here").send_as_json(true);
        assert_eq!(run(&mut monitor.header("X-Key", "7"), 2), None);
        let (head, body) = messages.recv().unwrap();
        assert_eq!(head[0], "POST /here HTTP/1.1");
        assert!(head.contains(&"X-Key: 7".to_owned()) && head.contains(&"Content-Type: application/json".to_owned()));
        assert_eq!(body, r#"{"epoch":0,"loss":"NaN"}"#);
        assert_eq!(messages.recv().unwrap().1, r#"{"epoch":1,"loss":0.5}"#);
    }

    #[test]
    fn as_a_form_the_object_is_one_field() {
        let (root, messages) = server(OK);
        assert_eq!(run(&mut RemoteMonitor::new(&root).field("numbers"), 1), None);
        let (head, body) = messages.recv().unwrap();
        assert_eq!(head[0], "POST /publish/epoch/end/ HTTP/1.1");
        assert_eq!(body, "numbers=%7B%22epoch%22%3A0%2C%22loss%22%3A%22NaN%22%7D");
    }

    #[test]
    fn a_server_that_refuses_or_is_not_there_is_said_once() {
        let (root, _messages) = server("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let trouble = run(&mut RemoteMonitor::new(&root), 3).unwrap();
        assert!(trouble.contains("3 of 3 messages were not delivered: the server answered 503 Busy"), "{trouble}");
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut monitor = RemoteMonitor::new(&format!("http://{closed}"));
        let trouble = run(&mut monitor, 3).unwrap();
        assert!(trouble.contains("3 of 3 messages were not delivered: "), "{trouble}");
        assert_eq!(monitor.trouble(), None);
    }

    #[test]
    fn a_server_that_hangs_holds_nothing_up_and_what_was_dropped_is_counted() {
        // Connections are taken by the system and never answered.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        // An hour for a message: were the training to wait for one, the test would not end.
        let mut monitor = RemoteMonitor::new(&root).timeout(Duration::from_hours(1));
        let trouble = run(&mut monitor, 1000).unwrap();
        assert!(
            trouble.ends_with("1000 of 1000 messages were not delivered: the server did not answer in time"),
            "{trouble}"
        );
    }

    #[test]
    fn addresses_and_headers_are_checked() {
        assert_eq!(check_root("http://localhost:9000"), None);
        assert!(check_root("https://example.org").is_some_and(|text| text.contains("TLS")));
        assert!(check_root("localhost:9000").is_some_and(|text| text.contains("http://localhost:9000")));
        assert_eq!(header("X-Key: a:b"), Some(("X-Key".to_owned(), "a:b".to_owned())));
        assert_eq!(header("no header"), None);
        assert_eq!(header("X-Key: a\r\nEvil: b"), None);
    }
}

//! The mock's server: a thread with a runtime of its own, so that it works in any test, and sockets that can break off
//! where no HTTP server would.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc as std_mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::call::Call;
use crate::clock::Clock;
use crate::response::{End, HttpResponse};

/// How long a client has to read a response before the connection is reset.
const BEFORE_RESET: Duration = Duration::from_millis(20);

/// The maximum size of the headers of a request, and of its body, in bytes.
const MAX_HEAD: usize = 1 << 20;
const MAX_BODY: usize = 64 << 20;

/// Responds to requests.
pub(crate) trait Handler: Send + Sync + 'static {
    fn respond(&self, call: Call) -> impl Future<Output = HttpResponse> + Send;

    /// The clock of the client.
    fn clock(&self) -> &Arc<Clock>;
}

/// A server on a free loopback port, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicUsize,
    /// Connections whose client went away while it waited for a response.
    gone: AtomicUsize,
}

#[derive(Debug)]
enum Command {
    /// Refuses connections, or accepts them again. Sends the result once that is done.
    Refuse(bool, std_mpsc::Sender<io::Result<()>>),
}

impl Server {
    pub(crate) fn start<H: Handler>(handler: Arc<H>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (commands, receiver) = mpsc::unbounded_channel();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let thread = thread::Builder::new().name("mock-prometheus".to_owned()).spawn(move || {
            // The sender of commands reports failures.
            let _ = runtime.block_on(run(listener, address, receiver, handler, shared));
        })?;
        Ok(Self { address, commands, thread: Some(thread), counts })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes all connections and refuses new ones, or accepts them again.
    pub(crate) fn refuse(&self, refuse: bool) -> io::Result<()> {
        let (sender, receiver) = std_mpsc::channel();
        let stopped = || io::Error::other("the server has stopped");
        self.commands.send(Command::Refuse(refuse, sender)).map_err(|_| stopped())?;
        receiver.recv().map_err(|_| stopped())?
    }

    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn gone(&self) -> usize {
        self.counts.gone.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of the channel is the end of the thread.
        self.commands = mpsc::unbounded_channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Accepts connections until the last sender of commands is dropped.
async fn run<H: Handler>(
    listener: std::net::TcpListener,
    address: SocketAddr,
    mut commands: mpsc::UnboundedReceiver<Command>,
    handler: Arc<H>,
    counts: Arc<Counts>,
) -> io::Result<()> {
    let mut accepting = JoinSet::new();
    accepting.spawn(accept(TcpListener::from_std(listener)?, Arc::clone(&handler), Arc::clone(&counts)));
    // Bound and not listening, so that no other process gets the port.
    let mut reserved = None;
    while let Some(Command::Refuse(refuse, done)) = commands.recv().await {
        let change = async {
            if refuse && reserved.is_none() {
                // With the task, its listener and its connections are closed.
                accepting.shutdown().await;
                let socket = TcpSocket::new_v4()?;
                socket.set_reuseaddr(true)?;
                socket.bind(address)?;
                reserved = Some(socket);
            } else if let Some(socket) = reserved.take_if(|_| !refuse) {
                accepting.spawn(accept(socket.listen(1024)?, Arc::clone(&handler), Arc::clone(&counts)));
            }
            Ok(())
        };
        let result = change.await;
        let _ = done.send(result);
    }
    Ok(())
}

async fn accept<H: Handler>(listener: TcpListener, handler: Arc<H>, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let number = counts.connections.fetch_add(1, Ordering::SeqCst);
        let (handler, counts) = (Arc::clone(&handler), Arc::clone(&counts));
        connections.spawn(async move {
            if serve(stream, number, &handler).await.is_err() {
                counts.gone.fetch_add(1, Ordering::SeqCst);
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Serves a connection. Fails if the client goes away before it has a whole response.
async fn serve<H: Handler>(mut stream: TcpStream, number: usize, handler: &Arc<H>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(call) = read(&stream, &mut buffer, number).await? {
        let (attempt, clock) = (call.attempt, handler.clock());
        let HttpResponse { delay, bytes, end, pace } = handler.respond(call).await;
        if !delay.is_zero() {
            clock.wait(attempt, delay).await;
        }
        let (piece, pause) = pace.unwrap_or((bytes.len().max(1), Duration::ZERO));
        for (at, piece) in bytes.chunks(piece).enumerate() {
            if at > 0 {
                clock.wait(attempt, pause).await;
            }
            write(&stream, piece).await?;
        }
        clock.sent(attempt);
        match end {
            End::Close => return poll_fn(|context| Pin::new(&mut stream).poll_shutdown(context)).await,
            End::Reset => {
                if !bytes.is_empty() {
                    // A reset may overtake what was sent before.
                    tokio::time::sleep(BEFORE_RESET).await;
                }
                return stream.set_zero_linger();
            }
            End::Repeat(bytes) if !bytes.is_empty() => {
                clock.stall(attempt);
                loop {
                    write(&stream, &bytes).await?;
                    if !pause.is_zero() {
                        clock.wait(attempt, pause).await;
                    }
                }
            }
            End::Keep | End::Repeat(_) => {}
            End::Stall => {
                clock.stall(attempt);
                return match receive(&stream, &mut buffer).await? {
                    0 => Err(io::ErrorKind::ConnectionAborted.into()),
                    _ => Err(io::Error::other("a request before the response")),
                };
            }
        }
    }
    Ok(())
}

/// The next request of a connection; `None` at its end.
async fn read(stream: &TcpStream, buffer: &mut Vec<u8>, connection: usize) -> io::Result<Option<Call>> {
    loop {
        if let Some((call, length)) = parse(buffer, connection)? {
            buffer.drain(..length);
            return Ok(Some(call));
        }
        if receive(stream, buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
    }
}

/// Appends what has arrived, and returns its length. It is 0 at the end.
///
/// As [`write`], without tokio's feature `io-util`: a service that does not enable it would build tokio and all that uses
/// it once more for its tests.
async fn receive(stream: &TcpStream, buffer: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        let mut chunk = [0; 4096];
        match stream.try_read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => {
                buffer.extend_from_slice(&chunk[..*read.as_ref().unwrap_or(&0)]);
                return read;
            }
        }
    }
}

/// Writes all bytes.
async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => bytes = &bytes[written?..],
        }
    }
    Ok(())
}

/// A whole request and its length, if it has arrived.
fn parse(bytes: &[u8], connection: usize) -> io::Result<Option<(Call, usize)>> {
    let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(bytes).map_err(|error| invalid(&error.to_string()))? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial if bytes.len() > MAX_HEAD => return Err(invalid("too many headers")),
        httparse::Status::Partial => return Ok(None),
    };
    let (Some(method), Some(target)) = (request.method, request.path) else { return Ok(None) };
    let header = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    let headers: Vec<_> = request.headers.iter().map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(Ok(0), |(_, length)| length.parse());
    let length: usize = length.map_err(|_| invalid("invalid Content-Length"))?;
    if length > MAX_BODY {
        return Err(invalid("too large a body"));
    }
    let Some(body) = bytes.get(head..head + length) else { return Ok(None) };
    Ok(Some((Call::new(method, target, headers, body, connection), head + length)))
}

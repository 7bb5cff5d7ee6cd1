//! A Kafka Connect cluster in memory, behind HTTP: workers with one leader and one state.
//!
//! Takes the requests that a real cluster takes and answers as a version of Connect does, its
//! texts, delays and oddities included; the same contract cases hold it and real workers. Tests can change it by
//! hand, make it misbehave and ask what it was asked. It runs on a thread of its own, so a test may
//! block, and ends when it is dropped.

mod act;
mod answer;
mod call;
mod check;
mod cluster;
pub mod fault;
mod line;
mod rest;
mod show;
pub mod state;
mod version;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::fake::cluster::Cluster;
use crate::fake::fault::Fault;
use crate::fake::line::Listener;
use crate::fake::rest::{Host, serve};
use crate::fake::state::{State, Target, Timing, Write};
use crate::ports;

/// A running cluster. It ends when this is dropped.
pub struct Fake {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
    thread: Option<thread::JoinHandle<()>>,
}

/// How a cluster is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many workers it has; the first one leads.
    pub workers: usize,
    /// The first worker's port, the others' follow; 0 for any free ones.
    pub port: u16,
    /// How long things take.
    pub timing: Timing,
    /// Connect's version, from 2.2 on; older ones lack what came later.
    pub version: (u8, u8),
    /// Whether it masks secrets on reading and adds keys of its own, as Confluent's distribution does.
    pub masks: bool,
    /// The phase in which the workers begin.
    pub phase: Phase,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            port: 0,
            timing: Timing::default(),
            version: (4, 3),
            masks: false,
            phase: Phase::Ready,
        }
    }
}

/// How far a worker has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing listens.
    Down,
    /// The web server is there, and knows no address: 404 in HTML to everything.
    Booting,
    /// The config topic is not read yet: the list is empty, and what the herder answers has to wait.
    Reading,
    /// It works.
    Ready,
}

/// One request as it came from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which one it is, counted since the start.
    pub number: usize,
    /// The worker that got it.
    pub worker: usize,
    /// The method.
    pub method: String,
    /// The path as it was sent, encoded.
    pub path: String,
    /// The query as it was sent, without the question mark.
    pub query: String,
    /// The body.
    pub body: String,
    /// The status of the answer; `None` while there is none.
    pub status: Option<u16>,
}

/// One connector as it is in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Its config, with `name`.
    pub config: BTreeMap<String, String>,
    /// What it was asked to be.
    pub target: Target,
    /// The state it shows.
    pub state: State,
    /// The states its tasks show.
    pub tasks: Vec<State>,
    /// The configs its tasks have.
    pub task_configs: Vec<BTreeMap<String, String>>,
    /// How often the connector itself was started, the first time included.
    pub starts: usize,
    /// How often its tasks were started, the first time included.
    pub task_starts: usize,
}

struct Shared {
    arrived: AtomicUsize,
    cluster: Mutex<Cluster>,
    requests: Mutex<Vec<Request>>,
    faults: Mutex<Vec<Fault>>,
    phases: Vec<watch::Sender<Phase>>,
    addresses: Vec<SocketAddr>,
}

impl Shared {
    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request and gives its number.
    fn note(&self, request: Request) -> usize {
        let number = self.arrived.fetch_add(1, Ordering::Relaxed);
        self.requests().push(Request { number, ..request });
        number
    }

    /// Keeps how a request was answered, unless a test has forgotten it meanwhile.
    fn note_status(&self, number: usize, status: u16) {
        if let Some(request) = self.requests().iter_mut().rev().find(|request| request.number == number) {
            request.status = Some(status);
        }
    }

    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread of the cluster is told.
enum Order {
    Listen(usize, oneshot::Sender<()>),
    Close(usize, oneshot::Sender<()>),
}

impl Fake {
    /// Starts a cluster of ready workers; the first one leads.
    pub async fn start(workers: usize) -> Self {
        Self::with(Options { workers, ..Options::default() }).await
    }

    /// Starts a cluster.
    pub async fn with(options: Options) -> Self {
        let (started, is_started) = oneshot::channel();
        begin(options, started);
        is_started.await.expect("the fake cluster starts")
    }

    /// Starts a cluster for a test that is not async.
    pub fn blocking(options: Options) -> Self {
        let (started, is_started) = oneshot::channel();
        begin(options, started);
        is_started.blocking_recv().expect("the fake cluster starts")
    }

    /// The base address of a worker.
    pub fn url(&self, worker: usize) -> String {
        format!("http://{}", self.shared.addresses[worker])
    }

    /// Every request so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests().clone()
    }

    /// Forgets the requests and the writes so far.
    pub fn forget(&self) {
        self.shared.requests().clear();
        self.shared.cluster().writes.clear();
    }

    /// Everything that was written to the config topic on somebody's request, in order.
    ///
    /// A refused request wrote nothing; an unchanged config was written all the same.
    pub fn writes(&self) -> Vec<Write> {
        self.shared.cluster().writes.clone()
    }

    /// The names of the connectors.
    pub fn names(&self) -> Vec<String> {
        self.shared.cluster().names()
    }

    /// One connector.
    pub fn connector(&self, name: &str) -> Option<Connector> {
        self.shared.cluster().snapshot(name)
    }

    /// Puts a connector there that has been running for long, without a request.
    pub fn preload(&self, name: &str, config: &[(&str, &str)]) {
        let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.shared.cluster().preload(name, config);
    }

    /// Lets a plugin be known that is not among the usual ones.
    pub fn install(&self, class: &str) {
        self.shared.cluster().install(class);
    }

    /// Changes a config by hand, as a person with `curl` would.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) {
        self.shared.cluster().edit(name, change);
    }

    /// Deletes a connector by hand.
    pub fn remove(&self, name: &str) {
        self.shared.cluster().remove(name);
    }

    /// Pauses, stops or resumes a connector by hand.
    pub fn turn(&self, name: &str, target: Target) {
        self.shared.cluster().turn(name, target);
    }

    /// Lets a task fail with a trace, until it is restarted.
    pub fn fail_task(&self, name: &str, task: usize, trace: &str) {
        self.shared.cluster().fail_task(name, task, trace);
    }

    /// Lets a connector itself fail with a trace, until it is restarted.
    pub fn fail_connector(&self, name: &str, trace: &str) {
        self.shared.cluster().fail_connector(name, trace);
    }

    /// Leaves the tasks of a connector without a worker, as one that was killed does for minutes, until
    /// [`Fake::take_in`].
    pub fn strand(&self, name: &str) {
        self.shared.cluster().hand(name, State::Unassigned);
    }

    /// Lets a worker run the tasks of a connector again.
    pub fn take_in(&self, name: &str) {
        self.shared.cluster().hand(name, State::Running);
    }

    /// Lets every task of a connector fail with this trace whenever it is started, until
    /// [`Fake::heal`].
    pub fn sicken(&self, name: &str, trace: &str) {
        self.shared.cluster().sicken(name, trace);
    }

    /// Lets the tasks of a connector start well again.
    pub fn heal(&self, name: &str) {
        self.shared.cluster().heal(name);
    }

    /// Lets the validation of a connector's config complain in one line, until [`Fake::accept`].
    ///
    /// That is what a plugin does whose database is away.
    pub fn refuse(&self, name: &str, line: &str) {
        self.shared.cluster().refuse(name, line);
    }

    /// Lets the validation of a connector's config pass again.
    pub fn accept(&self, name: &str) {
        self.shared.cluster().accept(name);
    }

    /// Sets what `GET /connectors/{c}/offsets` answers, as the JSON of the list.
    pub fn set_offsets(&self, name: &str, offsets: &str) {
        let offsets = serde_json::from_str(offsets).expect("the offsets are JSON");
        self.shared.cluster().set_offsets(name, offsets);
    }

    /// Lets the offsets of a connector move from now on: each read finds them a little further.
    pub fn flow(&self, name: &str) {
        self.shared.cluster().flow(name, true);
    }

    /// Lets the offsets of a connector stand still from now on.
    pub fn freeze(&self, name: &str) {
        self.shared.cluster().flow(name, false);
    }

    /// Makes a worker the leader.
    pub fn lead(&self, worker: usize) {
        self.shared.cluster().leader = Some(worker);
    }

    /// Leaves the cluster without a leader, as in a rebalance.
    pub fn depose(&self) {
        self.shared.cluster().leader = None;
    }

    /// Lets a rebalance be expected for a while: single reads answer 500.
    pub fn rebalance(&self, lasting: Duration) {
        self.shared.cluster().rebalance(lasting);
    }

    /// Lets requests go wrong.
    pub fn inject(&self, fault: Fault) {
        self.shared.faults().push(fault);
    }

    /// Takes every fault back.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Brings a worker into a phase. [`Phase::Down`] cuts its connections.
    pub async fn phase(&self, worker: usize, phase: Phase) {
        let was = self.shared.phases[worker].send_replace(phase);
        let (done, is_done) = oneshot::channel();
        let order = match (was, phase) {
            (Phase::Down, Phase::Down) => return,
            (_, Phase::Down) => Order::Close(worker, done),
            (Phase::Down, _) => Order::Listen(worker, done),
            (_, _) => return,
        };
        self.orders.send(order).expect("the fake cluster runs");
        is_done.await.expect("the fake cluster obeys");
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // The thread ends with its orders, and every connection with the thread.
        let (orders, _) = mpsc::unbounded_channel();
        drop(std::mem::replace(&mut self.orders, orders));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread of a cluster; it hands the cluster out once it listens.
fn begin(options: Options, started: oneshot::Sender<Fake>) {
    let (orders, to_do) = mpsc::unbounded_channel();
    let (hand_over, handed) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the fake cluster's runtime");
        runtime.block_on(async move {
            let is_down = options.phase == Phase::Down;
            let (shared, sockets) = prepare(&options);
            let hosts = sockets
                .into_iter()
                .enumerate()
                .map(|(worker, socket)| {
                    (!is_down).then(|| serve(Arc::clone(&shared), worker, Listener::new(socket)))
                })
                .collect();
            let thread = handed.recv().expect("the thread's own handle");
            let fake = Fake { shared: Arc::clone(&shared), orders, thread: Some(thread) };
            if let Err(mut unwanted) = started.send(fake) {
                // A thread cannot wait for itself.
                unwanted.thread = None;
            }
            obey(&shared, hosts, to_do).await;
        });
    });
    hand_over.send(thread).expect("the fake cluster takes its handle");
}

/// Takes the ports, so that every address is known before anything listens.
fn prepare(options: &Options) -> (Arc<Shared>, Vec<TcpListener>) {
    let mut sockets = Vec::new();
    for worker in 0..options.workers {
        let offset = u16::try_from(worker).expect("few workers");
        let socket = match options.port {
            0 => ports::listener(),
            first => std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, first + offset)),
        };
        let socket = socket.expect("a free port");
        socket.set_nonblocking(true).expect("a socket that the runtime can wait for");
        sockets.push(TcpListener::from_std(socket).expect("a socket that the runtime can wait for"));
    }
    let addresses: Vec<SocketAddr> =
        sockets.iter().map(|socket| socket.local_addr().expect("a bound port")).collect();
    let shared = Shared {
        arrived: AtomicUsize::new(0),
        cluster: Mutex::new(Cluster::new(options, &addresses)),
        requests: Mutex::default(),
        faults: Mutex::default(),
        phases: addresses.iter().map(|_| watch::Sender::new(options.phase)).collect(),
        addresses,
    };
    (Arc::new(shared), sockets)
}

async fn obey(shared: &Arc<Shared>, mut hosts: Vec<Option<Host>>, mut to_do: mpsc::UnboundedReceiver<Order>) {
    while let Some(order) = to_do.recv().await {
        match order {
            Order::Listen(worker, done) => {
                let socket = ports::again(shared.addresses[worker]).await.expect("the worker's port is free");
                hosts[worker] = Some(serve(Arc::clone(shared), worker, Listener::new(socket)));
                let _ = done.send(());
            }
            Order::Close(worker, done) => {
                if let Some(host) = hosts[worker].take() {
                    host.close().await;
                }
                let _ = done.send(());
            }
        }
    }
}

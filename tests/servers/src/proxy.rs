use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What a proxy does when a client sends certain bytes. It does it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Cuts the connection; the server never sees them.
    Cut,
    /// Passes them on and cuts the connection: the server acts, and its answer is lost.
    CutAnswer,
    /// Passes nothing on any more, and keeps the connection open.
    Stall,
}

/// Stands before a server, on the current tokio runtime, and fails when it is told to.
pub struct Proxy {
    task: JoinHandle<()>,
    port: u16,
    plan: Plan,
}

type Plan = Arc<Mutex<Option<(Vec<u8>, Fault)>>>;

impl Proxy {
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("bind to 127.0.0.1");
        let port = listener.local_addr().expect("its address").port();
        let plan = Plan::default();
        let task = tokio::spawn(accept(listener, to, Arc::clone(&plan)));
        Self { task, port, plan }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next time that a client sends `bytes` in one piece, this happens.
    pub fn on(&self, bytes: &[u8], fault: Fault) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Some((bytes.into(), fault));
    }

    /// Whether what was planned has happened.
    pub fn happened(&self) -> bool {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, to: u16, plan: Plan) {
    while let Ok((client, _)) = listener.accept().await {
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await {
                pass(client, server, plan).await;
            }
        });
    }
}

/// Passes bytes on until one side has closed or the plan says otherwise.
async fn pass(mut client: TcpStream, mut server: TcpStream, plan: Plan) {
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(read @ 1..) = read else { return };
                match due(&plan, &up[..read]) {
                    Some(Fault::Cut) => return,
                    Some(Fault::CutAnswer) => {
                        let _ = server.write_all(&up[..read]).await;
                        // It acts on what it has read before it sees that nobody is there any more.
                        let _ = server.read(&mut down).await;
                        return;
                    }
                    Some(Fault::Stall) => std::future::pending().await,
                    None if server.write_all(&up[..read]).await.is_err() => return,
                    None => {}
                }
            }
            read = server.read(&mut down) => {
                let Ok(read @ 1..) = read else { return };
                if client.write_all(&down[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn due(plan: &Plan, sent: &[u8]) -> Option<Fault> {
    let mut plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
    let found = plan.as_ref().is_some_and(|(bytes, _)| sent.windows(bytes.len()).any(|window| window == bytes));
    if found { plan.take().map(|(_, fault)| fault) } else { None }
}

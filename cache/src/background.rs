//! Work for which nobody waits.

use larder_model::Problem;
use rustix::process::setpriority_process;
use std::thread;
use tokio::sync::oneshot;

/// How far behind others a thread comes for whose work nobody waits ("nice").
const LOWER_PRIORITY: i32 = 19;

/// Does work for which nobody waits, on a thread to which those that answer come first; so are the
/// threads and programs that it starts.
pub async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (tell, told) = oneshot::channel();
    let thread = thread::Builder::new().name("background".to_owned());
    let run = move || {
        // On Linux that of the calling thread, and of those that it starts.
        if let Err(error) = setpriority_process(None, LOWER_PRIORITY) {
            tracing::debug!(%error, "a thread keeps its priority");
        }
        drop(tell.send(work()));
    };
    thread.spawn(run).map_err(Problem::internal)?;
    told.await.map_err(Problem::internal)?
}

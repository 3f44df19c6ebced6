//! What this process takes from its machine, as the kernel tells it.

use std::io;

/// Bytes of memory that it has, and files and sockets that it has open. Fails where there is no
/// `/proc`.
pub(crate) fn usage() -> io::Result<(u64, u64)> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let resident = pages.split_whitespace().nth(1).map(str::parse::<u64>);
    let Some(Ok(resident)) = resident else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let page = u64::try_from(rustix::param::page_size()).unwrap_or_default();
    let files = std::fs::read_dir("/proc/self/fd")?.count();
    // The folder itself was open while it was read.
    let files = u64::try_from(files).unwrap_or(u64::MAX).saturating_sub(1);
    Ok((resident.saturating_mul(page), files))
}

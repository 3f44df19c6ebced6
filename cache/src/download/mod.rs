//! Artifacts on their way in: fetched once, checked against what was promised of them, stored for
//! good.

mod progress;
mod downloads;
mod encoded;
mod faults;
mod beginning;
mod contents;
mod labels;
mod fetcher;

pub(crate) use downloads::{Downloads, download_key};
pub(crate) use faults::wrong_bytes;
pub(crate) use fetcher::{ArtifactFetcher, is_promised};
pub(crate) use progress::{Download, DownloadHead};

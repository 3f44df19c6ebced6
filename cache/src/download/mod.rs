//! Artifacts on their way in: fetched once, checked against what was promised of them, stored for
//! good.

mod progress;
mod downloads;
mod encoded;
mod contents;
mod fetcher;
mod addresses;

pub(crate) use downloads::{Downloads, download_key};
pub(crate) use fetcher::{ArtifactFetcher, is_promised, wrong_bytes};
pub(crate) use progress::{Download, DownloadHead};

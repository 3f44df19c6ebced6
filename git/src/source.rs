//! Upstreams of mirrors, and what they answer.

use crate::advertisement::{self, Advertised};
use crate::endpoint::GIT_PROTOCOL;
use crate::fetching::{Event, PackReader};
use crate::ls_refs;
use crate::oid::ObjectFormat;
use crate::refs::Refs;
use crate::running::Input;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::HeaderValue;
use larder_cache::{Mirror, MirrorAnswer, MirrorRequest};
use larder_metadata::files::PackageKey;
use larder_metadata::repos::RepoRecord;
use larder_mirrors::source_path::{ENDING, written};
use larder_model::{Kind, Problem, Timestamp};
use std::sync::Arc;

/// The most bytes of all refs of an upstream: some hundred thousand.
const MAX_REFS: usize = 64 << 20;
/// The media types of an upstream's answers.
const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const RESULT: &str = "application/x-git-upload-pack-result";
const REQUEST: &str = "application/x-git-upload-pack-request";

pub(crate) fn useless(detail: &str) -> Problem {
    Problem::new(Kind::Upstream, "upstream", detail.to_owned())
}

/// A repository of a mirror.
#[derive(Clone)]
pub(crate) struct Goal {
    pub(crate) mirror: Mirror,
    pub(crate) record: Arc<RepoRecord>,
    pub(crate) path: Box<str>,
}

/// Where an upstream answers, and what it has.
pub(crate) struct Source {
    pub(crate) address: String,
    pub(crate) advertised: Advertised,
    pub(crate) refs: Refs,
    /// When it was asked.
    pub(crate) asked_at: Timestamp,
}

impl Goal {
    pub(crate) fn package(&self) -> PackageKey<'_> {
        PackageKey {
            repo: self.record.id,
            package: &self.path,
        }
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.record.full_name(), self.path)
    }

    async fn ask(
        &self,
        url: &str,
        question: Option<&Bytes>,
    ) -> Result<Option<MirrorAnswer>, Problem> {
        let headers = [(GIT_PROTOCOL, HeaderValue::from_static("version=2"))];
        let request = MirrorRequest {
            url,
            accept: question.map_or(ADVERTISEMENT, |_| RESULT),
            headers: &headers,
            question: question.map(|body| (REQUEST, body)),
        };
        self.mirror.ask(&request).await
    }

    /// Asks for refs or objects where the first answer came from.
    pub(crate) async fn ask_at(
        &self,
        address: &str,
        question: Vec<u8>,
    ) -> Result<MirrorAnswer, Problem> {
        let answer = self
            .ask(
                &format!("{address}/git-upload-pack"),
                Some(&question.into()),
            )
            .await?;
        answer.ok_or_else(|| useless("the upstream tells of a repository, and gives none of it"))
    }

    /// What the upstream has: under the name with its usual ending, or as it was asked for.
    pub(crate) async fn source(&self, now: Timestamp) -> Result<Option<Source>, Problem> {
        let name = written(&self.path);
        for ending in [ENDING, ""] {
            let path = format!("{name}{ending}/info/refs?service=git-upload-pack");
            if let Some(answer) = self.ask(&path, None).await? {
                return self.read(answer, now).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn read(&self, answer: MirrorAnswer, asked_at: Timestamp) -> Result<Source, Problem> {
        if answer.content_type() != ADVERTISEMENT {
            let detail = format!(
                "the upstream does not speak git's smart protocol: it answers with {:?}",
                answer.content_type()
            );
            return Err(useless(&detail));
        }
        // A redirect of the first request holds for all.
        let address = answer.address().split('?').next().unwrap_or_default();
        let address = address
            .strip_suffix("/info/refs")
            .ok_or_else(|| useless("the upstream leads to something that is no repository"))?
            .to_owned();
        let advertised = advertisement::read(&answer.collect(MAX_REFS).await?)?;
        let refs = match &advertised {
            Advertised::Refs { refs, .. } => refs.clone(),
            Advertised::Commands { format, .. } => {
                let answer = self.ask_at(&address, ls_refs::request(*format)).await?;
                ls_refs::read(&answer.collect(MAX_REFS).await?)?
            }
        };
        Ok(Source {
            address,
            advertised,
            refs,
            asked_at,
        })
    }
}

impl Advertised {
    pub(crate) const fn format(&self) -> ObjectFormat {
        match self {
            Self::Commands { format, .. } | Self::Refs { format, .. } => *format,
        }
    }
}

/// The pack in an upstream's answer.
pub(crate) fn pack_of(answer: MirrorAnswer, reader: PackReader) -> Input<'static> {
    let pieces = stream::try_unfold((answer, reader), |(mut answer, mut reader)| async move {
        let Some(bytes) = answer.next().await? else {
            reader.end()?;
            return Ok::<_, Problem>(None);
        };
        let events = reader.push(&bytes)?.into_iter();
        let pack = events.filter_map(|event| match event {
            Event::Pack(bytes) => Some(Ok(bytes)),
            Event::Progress(_) => None,
        });
        let pack: Vec<Result<Bytes, Problem>> = pack.collect();
        Ok(Some((stream::iter(pack), (answer, reader))))
    });
    stream::TryStreamExt::try_flatten(pieces).boxed()
}

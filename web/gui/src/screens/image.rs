//! An image: what a tag or a digest stands for, its platforms, layers and config, and what is about it.

use crate::address::{address, segment};
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::Query;
use crate::screens::lines::{Line, word};
use crate::screens::package::{Around, frame};
use crate::screens::place::PackagePath;
use crate::visit::Visit;
use askama::Template;
use larder_api::{self as api, Image, ImagePlatform};
use larder_model::{Kind, Problem};
use std::collections::BTreeMap;

/// Platforms of an index of which the images are looked at.
const LOOKED_AT: usize = 12;
/// The annotation by which builders say that a manifest of an index is no image.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// Parts of the names of variables whose values are better not in an image.
const SECRETS: [&str; 5] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "PRIVATE_KEY"];

/// An image for one platform.
pub(crate) struct Platform {
    pub(crate) label: String,
    pub(crate) digest: String,
    /// Whether it is no image, but tells of one.
    pub(crate) is_beside: bool,
    /// What is kept of it; `None`: nothing, or nobody looked.
    pub(crate) image: Option<Image>,
}

impl Platform {
    fn bytes(&self) -> Option<u64> {
        self.image.as_ref().and_then(|image| image.bytes)
    }
}

/// A tag or a manifest, and what is kept of the images that an index names.
pub(crate) struct Looked {
    pub(crate) version: api::VersionDetails,
    pub(crate) image: Image,
    pub(crate) platforms: Vec<Platform>,
}

impl Looked {
    /// Looks at it.
    pub(crate) async fn at(
        visit: &Visit,
        path: &PackagePath,
        reference: &str,
    ) -> Result<Self, Problem> {
        let mut version: api::VersionDetails = visit.get(path.version_call(reference)).await?;
        let image = version.image.take();
        let image = image.ok_or_else(|| Problem::internal("an image that is none"))?;
        let mut platforms = Vec::new();
        for (number, platform) in image.platforms.iter().enumerate() {
            let looks = number < LOOKED_AT && !is_beside(platform);
            let details: Option<api::VersionDetails> = if looks {
                visit.get(path.version_call(&platform.digest)).await.ok()
            } else {
                None
            };
            platforms.push(Platform {
                label: label(platform),
                digest: platform.digest.clone(),
                is_beside: is_beside(platform),
                image: details.and_then(|details| details.image),
            });
        }
        Ok(Self {
            version,
            image,
            platforms,
        })
    }

    /// The image for a platform, or the first one that is kept; of no index the image itself.
    pub(crate) fn image_for(&self, wanted: &str) -> Option<(&str, &Image)> {
        if self.platforms.is_empty() {
            return Some(("", &self.image));
        }
        let kept = |platform: &'_ Platform| platform.image.is_some();
        let mut all = self.platforms.iter();
        let found = all.find(|platform| kept(platform) && platform.label == wanted);
        let found = found.or_else(|| self.platforms.iter().find(|platform| kept(platform)));
        found.and_then(|platform| Some((&*platform.label, platform.image.as_ref()?)))
    }
}

/// Whether a manifest of an index is no image, but tells of one.
fn is_beside(platform: &ImagePlatform) -> bool {
    platform.annotations.contains_key(REFERENCE_TYPE)
}

/// A platform as people write it: `linux/arm64/v8`.
fn label(platform: &ImagePlatform) -> String {
    if let Some(kind) = platform.annotations.get(REFERENCE_TYPE) {
        return kind.clone();
    }
    let parts = [&platform.os, &platform.architecture, &platform.variant];
    let parts: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
    let mut label = parts.join("/");
    if let Some(version) = &platform.os_version {
        label += &format!(" ({version})");
    }
    if label.is_empty() {
        platform.media_type.clone()
    } else {
        label
    }
}

/// A layer, and the step that made it.
pub(crate) struct Layer {
    pub(crate) number: usize,
    pub(crate) digest: String,
    pub(crate) size: u64,
    pub(crate) step: String,
}

/// The layers of an image with the steps that made them, where the config tells of as many.
pub(crate) fn layers(image: &Image) -> Vec<Layer> {
    let history = image.config.iter().flat_map(|config| &config.history);
    let steps: Vec<_> = history.filter(|step| !step.empty_layer).collect();
    let fits = steps.len() == image.layers.len();
    let layers = image.layers.iter().enumerate().map(|(at, layer)| {
        let step = steps.get(at).filter(|_| fits);
        let step = step.and_then(|step| step.created_by.as_deref());
        Layer {
            number: at + 1,
            digest: layer.digest.clone(),
            size: layer.size_bytes,
            step: step.map(tidy).unwrap_or_default(),
        }
    });
    layers.collect()
}

/// A step as it stood in the file that the image was built of.
fn tidy(step: &str) -> String {
    let step = step.trim_end_matches("# buildkit").trim();
    let step = match step.strip_prefix("/bin/sh -c #(nop)") {
        Some(act) => act.trim(),
        None => step,
    };
    match step.strip_prefix("/bin/sh -c ") {
        Some(command) => format!("RUN {}", command.trim()),
        None => step.replacen("RUN /bin/sh -c ", "RUN ", 1),
    }
}

/// Whether a variable looks as if its value were a secret.
pub(crate) fn is_secret(variable: &str) -> bool {
    let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
    let name = name.to_ascii_uppercase();
    !value.is_empty() && SECRETS.iter().any(|part| name.contains(part))
}

/// Words as a shell takes them.
pub(crate) fn shell(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|it| word(it)).collect();
    words.join(" ")
}

/// Facts of a config, in the order in which they are shown.
pub(crate) fn run_facts(
    t: crate::language::Language,
    config: &api::ImageConfig,
) -> Vec<(&'static str, String)> {
    let words = |words: &Option<Vec<String>>| words.as_deref().map(shell).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let platform = [&config.os, &config.architecture];
    let platform = platform.into_iter().chain(&config.variant).cloned();
    let facts = vec![
        (t.image_platform(), platform.collect::<Vec<_>>().join("/")),
        (t.image_author(), text(&config.author)),
        (t.image_entrypoint(), words(&config.entrypoint)),
        (t.image_cmd(), words(&config.cmd)),
        (t.image_user(), text(&config.user)),
        (t.image_working_dir(), text(&config.working_dir)),
        (t.image_ports(), config.exposed_ports.join(", ")),
        (t.image_volumes(), config.volumes.join(", ")),
        (t.image_stop_signal(), text(&config.stop_signal)),
    ];
    facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

#[derive(Template)]
#[template(path = "image.html")]
struct Page {
    frame: Frame,
    path: PackagePath,
    around: Around,
    /// The tag or the digest that is looked at.
    reference: String,
    looked: Looked,
    /// The platform of which layers and config are shown; empty: it is of one alone.
    platform: String,
    lines: Vec<Line>,
    by_digest: Vec<Line>,
}

impl Page {
    fn is_tag(&self) -> bool {
        !self.reference.contains(':')
    }

    /// How many platforms there are.
    fn images(&self) -> u64 {
        let platforms = self.looked.platforms.iter();
        platforms.filter(|platform| !platform.is_beside).count() as u64
    }

    fn shown(&self) -> Option<&Image> {
        self.looked
            .image_for(&self.platform)
            .map(|(_, image)| image)
    }

    fn layers(&self) -> Vec<Layer> {
        self.shown().map(layers).unwrap_or_default()
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let config = self.shown().and_then(|image| image.config.as_ref());
        config
            .map(|config| run_facts(self.frame.language, config))
            .unwrap_or_default()
    }

    fn history(&self) -> Vec<(String, String)> {
        let config = self.shown().and_then(|image| image.config.as_ref());
        let steps = config.into_iter().flat_map(|config| &config.history);
        let told = |step: &api::ImageHistory| {
            let act = step.created_by.as_deref().or(step.comment.as_deref());
            (
                step.created.clone().unwrap_or_default(),
                act.map(tidy).unwrap_or_default(),
            )
        };
        steps.map(told).collect()
    }

    fn total(&self) -> u64 {
        let layers = self.shown().into_iter().flat_map(|image| &image.layers);
        layers.map(|layer| layer.size_bytes).sum::<u64>().max(1)
    }

    fn platform_path(&self, label: &str) -> String {
        address(
            self.path.version_page(&self.reference),
            &[("platform", label)],
        )
    }

    fn delete_path(&self) -> String {
        address(self.path.below("delete"), &[("version", &self.reference)])
    }

    fn search_path(&self) -> String {
        format!("/search?q={}", segment(&self.looked.image.digest))
    }
}

/// The page of a tag or of a manifest.
pub(crate) async fn show_image(
    visit: &Visit,
    path: PackagePath,
    reference: &str,
    query: &Query,
) -> Shown {
    let home = address(path.page(), &[("layer", reference)]);
    let page = page(visit, path, reference, query).await;
    if let Err(problem) = &page
        && problem.kind == Kind::NotFound
        && problem.about == "version"
        && reference.contains(':')
    {
        // A search by digest finds layers, too: what they are of is the image's page.
        return see_other(&home).or_page(visit);
    }
    show(&page.or_page(visit)?).or_page(visit)
}

async fn page(
    visit: &Visit,
    path: PackagePath,
    reference: &str,
    query: &Query,
) -> Result<Page, Problem> {
    let looked = Looked::at(visit, &path, reference).await?;
    let around = Around::of(visit, &path).await?;
    let sign = if reference.contains(':') { '@' } else { ':' };
    let title = format!("{}/{}{sign}{}", path.repo.name, path.name, short(reference));
    let frame = frame(visit, &path, &title)?
        .below(&*path.name, path.page())
        .elsewhere(
            format!("{} {reference}", path.command("show")),
            format!("GET /api/v1{}", path.version_call(reference)),
        );
    let platform = looked.image_for(query.get("platform"));
    let platform = platform
        .map(|(label, _)| label.to_owned())
        .unwrap_or_default();
    let lines = |reference: &str| around.pulls(&frame, &path, reference);
    Ok(Page {
        lines: lines(reference),
        by_digest: lines(&looked.image.digest),
        frame,
        path,
        around,
        reference: reference.to_owned(),
        looked,
        platform,
    })
}

/// A tag as it is, a digest cut.
pub(crate) fn short(reference: &str) -> String {
    match reference.split_once(':') {
        Some((algorithm, hex)) => format!("{algorithm}:{}", hex.get(..12).unwrap_or(hex)),
        None => reference.to_owned(),
    }
}

/// The labels and annotations of an image as rows, those of the manifest last.
pub(crate) fn labels(image: &Image) -> BTreeMap<&str, &str> {
    let labels = image.config.iter().flat_map(|config| &config.labels);
    let all = labels.chain(&image.annotations);
    all.map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_they_were_written() {
        for (step, told) in [
            ("/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD [\"sh\"]"),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("RUN /bin/sh -c apk add curl # buildkit", "RUN apk add curl"),
            ("COPY a b # buildkit", "COPY a b"),
        ] {
            assert_eq!(tidy(step), told);
        }
    }

    #[test]
    fn words_can_be_pasted_into_a_shell() {
        let words = ["sh", "-c", "echo it's $HOME", ""].map(str::to_owned);
        assert_eq!(shell(&words), "sh -c 'echo it'\\''s $HOME' ''");
    }

    #[test]
    fn secrets_are_seen_by_the_name_of_the_variable() {
        for (variable, secret) in [
            ("DB_PASSWORD=x", true),
            ("api_token=x", true),
            ("API_TOKEN=", false),
            ("PATH=/secret", false),
        ] {
            assert_eq!(is_secret(variable), secret, "{variable}");
        }
    }
}

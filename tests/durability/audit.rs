//! That the audit trail and the registry tell the same after a kill: no change without its entry,
//! no entry without its change.

use larder_tests::Client;
use larder_tests::image::digest;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An image, and a tag of it.
type TagKey = (String, String);
/// The manifest that a tag is; `None`: it is not there.
type TagValue = Option<String>;

/// The audit trail as far as it was read.
#[derive(Default)]
pub struct Trail {
    /// The id of the newest entry that was read.
    last: i64,
    /// Images and digests of all manifests that it tells of.
    pushed: BTreeSet<(String, String)>,
    /// The tags as they were found.
    tags: BTreeMap<TagKey, String>,
    /// Entries read.
    pub read: usize,
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect(field)
}

impl Trail {
    /// Checks what was changed since the last time. `manifests`: paths of those that were
    /// acknowledged.
    pub fn check(&mut self, client: &Client, manifests: &[String]) {
        let report = client.get("/api/v1/audit/verify").expect(200).json();
        assert_eq!(report["ok"], true, "{report}");
        let (mut pushed, mut told) = (Vec::new(), BTreeMap::<TagKey, Vec<TagValue>>::new());
        for entry in self.new_entries(client) {
            let Some(image) = text(&entry, "object").strip_prefix("oci/") else {
                continue; // packages have no model here
            };
            let image = image.to_owned();
            let details = &entry["details"];
            match text(&entry, "action") {
                "manifest.push" => {
                    let digest = text(details, "digest").to_owned();
                    for tag in details["tags"].as_array().into_iter().flatten() {
                        let tag = (image.clone(), tag.as_str().expect("tag").to_owned());
                        told.entry(tag).or_default().push(Some(digest.clone()));
                    }
                    pushed.push((image, digest));
                }
                "tag.delete" => {
                    let tag = (image, text(details, "tag").to_owned());
                    told.entry(tag).or_default().push(None);
                }
                "repository.create" => {}
                other => panic!("no writer does {other}"),
            }
        }
        for (image, digest) in &pushed {
            let path = format!("/v2/{image}/manifests/{digest}");
            assert_eq!(
                client.get(&path).status,
                200,
                "{path} was told of and is not there"
            );
        }
        self.pushed.extend(pushed);
        for path in manifests {
            let name = path
                .strip_prefix("/v2/")
                .and_then(|path| path.split_once("/manifests/"));
            let (image, digest) = name.expect("a manifest");
            let key = (image.to_owned(), digest.to_owned());
            assert!(
                self.pushed.contains(&key),
                "{path} was acknowledged and not told of"
            );
        }
        self.check_tags(client, &told);
    }

    /// A tag is one of what was told of it; of those that nothing was told of, none has changed.
    fn check_tags(&mut self, client: &Client, told: &BTreeMap<TagKey, Vec<TagValue>>) {
        let found = all_tags(client);
        for (tag, values) in told {
            let value = found.get(tag).cloned();
            assert!(
                values.contains(&value),
                "{tag:?} is {value:?}, and was told as {values:?}"
            );
        }
        let untold = |tags: &BTreeMap<TagKey, String>| {
            let tags = tags.iter().filter(|(tag, _)| !told.contains_key(*tag));
            tags.map(|(tag, value)| (tag.clone(), value.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            untold(&found),
            untold(&self.tags),
            "changed without an entry"
        );
        self.tags = found;
    }

    /// Entries about images that were not read yet.
    fn new_entries(&mut self, client: &Client) -> Vec<Value> {
        let (mut new, mut after, before) = (Vec::new(), String::new(), self.last);
        loop {
            let path = format!("/api/v1/audit?actor=user:*&object=oci/*&limit=1000{after}");
            let page = client.get(&path).expect(200).json();
            for entry in page["items"].as_array().expect("items") {
                let id: i64 = text(entry, "id").parse().expect("id");
                if id <= before {
                    self.read += new.len();
                    return new;
                }
                self.last = self.last.max(id);
                new.push(entry.clone());
            }
            let Some(next) = page["next"].as_str() else {
                self.read += new.len();
                return new;
            };
            after = format!("&after={next}");
        }
    }
}

/// All tags of all images, and the manifest that each is.
fn all_tags(client: &Client) -> BTreeMap<TagKey, String> {
    let mut tags = BTreeMap::new();
    let catalog = client.get("/v2/_catalog?n=1000").expect(200).json();
    for image in catalog["repositories"].as_array().expect("images") {
        let image = image.as_str().expect("image");
        let list = client.get(&format!("/v2/{image}/tags/list?n=1000"));
        let list = list.expect(200).json();
        for tag in list["tags"].as_array().into_iter().flatten() {
            let tag = tag.as_str().expect("tag");
            let manifest = client.get(&format!("/v2/{image}/manifests/{tag}"));
            let value = digest(&manifest.expect(200).body).to_string();
            tags.insert((image.to_owned(), tag.to_owned()), value);
        }
    }
    tags
}

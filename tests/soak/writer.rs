//! A writer: pushes images that share layers with those of others, deletes them, publishes packages
//! and takes them back.

use crate::shared::{LEASE, NEWEST, Published, Shared, VersionKey};
use larder_tests::image::{Image, MANIFEST, push_blob};
use larder_tests::parcel::{publish_to, wheel_name};
use larder_tests::random::Random;
use larder_tests::{Client, Response};
use std::io;
use std::sync::Arc;
use std::time::Instant;

/// Tags and versions that a writer has at once.
const OWN: u64 = 4;

/// A server may be gone where servers are killed: nothing is known then of what was asked.
type Asked<T> = io::Result<T>;

struct Writer<'a> {
    shared: &'a Shared,
    number: usize,
    random: Random,
    versions: u64,
    ruled: u64,
}

pub fn run(shared: &Shared, number: usize, seed: u64) {
    let mut writer = Writer {
        shared,
        number,
        random: Random::new(seed),
        versions: 0,
        ruled: 0,
    };
    while !shared.is_over() {
        let done = match writer.random.below(12) {
            0..5 => writer.push(),
            5..8 => writer.delete(),
            8 => writer.publish(),
            9 => writer.take_back(),
            _ => writer.push_ruled(),
        };
        if let Err(error) = done {
            assert!(shared.kills, "writer {number}: {error}");
        }
    }
}

impl Writer<'_> {
    fn client(&mut self) -> Client {
        let which = self.random.below(2);
        self.shared.client(usize::try_from(which).expect("small"))
    }

    /// Images are written by several, tags by one.
    fn name(&self) -> String {
        format!("team/app{}", self.number % 4)
    }

    fn tag(&mut self) -> String {
        format!("w{}-{}", self.number, self.random.below(OWN))
    }

    fn ask(client: &Client, (method, path): (&str, &str), allowed: &[u16]) -> Asked<Response> {
        let answer = client.try_send(method, path, &[], b"")?;
        assert!(
            allowed.contains(&answer.status),
            "{method} {path}: {} {}",
            answer.status,
            answer.text()
        );
        Ok(answer)
    }

    /// Pushes as engines do: asks for each blob, mounts it or uploads it, then puts the manifest,
    /// which must be taken.
    fn push(&mut self) -> Asked<()> {
        let (client, name, tag) = (self.client(), self.name(), self.tag());
        let image = self.shared.image(&mut self.random);
        // Until it is answered nobody knows which of both the tag is.
        let key = (name.clone(), tag.clone());
        let old = self.shared.there().images.remove(&key);
        // A push that took longer than it may rely on what it was told begins anew.
        while !self.try_push(&client, &name, &tag, &image)? {}
        if let Some(old) = old {
            let path = format!("/v2/{name}/manifests/{}", old.digest);
            Self::ask(&client, ("DELETE", &path), &[202])?;
        }
        let mut there = self.shared.there();
        there.images.insert(key, Arc::new(image));
        drop(there);
        self.shared.pushed();
        Ok(())
    }

    /// Whether it was in time.
    fn try_push(&mut self, client: &Client, name: &str, tag: &str, image: &Image) -> Asked<bool> {
        let began = Instant::now();
        for (digest, bytes) in &image.blobs {
            let path = format!("/v2/{name}/blobs/{digest}");
            if Self::ask(client, ("HEAD", &path), &[200, 404])?.status == 200 {
                continue;
            }
            if self.random.below(2) == 0 {
                let from = self.random.below(4);
                let path = format!("/v2/{name}/blobs/uploads/?mount={digest}&from=team/app{from}");
                if Self::ask(client, ("POST", &path), &[201, 202])?.status == 201 {
                    continue;
                }
            }
            self.upload(client, name, (digest, bytes))?;
        }
        let path = format!("/v2/{name}/manifests/{tag}");
        let headers = [("content-type", MANIFEST)];
        let kept = client.try_send("PUT", &path, &headers, &image.manifest)?;
        if kept.status == 400 && began.elapsed() > LEASE {
            assert_eq!(kept.code(), "MANIFEST_BLOB_UNKNOWN");
            self.shared.was_late();
            return Ok(false);
        }
        assert_eq!(kept.status, 201, "{}", kept.text());
        Ok(true)
    }

    fn upload(
        &self,
        client: &Client,
        name: &str,
        (digest, bytes): (&larder_model::Digest, &Vec<u8>),
    ) -> Asked<()> {
        if !self.shared.kills {
            push_blob(client, name, digest, bytes).expect(201);
            return Ok(());
        }
        let path = format!("/v2/{name}/blobs/uploads/");
        let started = Self::ask(client, ("POST", &path), &[202])?;
        let location = started.header("location").expect("location").to_owned();
        let path = format!("{location}&digest={digest}");
        let headers = [("content-type", "application/octet-stream")];
        let kept = client.try_send("PUT", &path, &headers, bytes)?;
        assert_eq!(kept.status, 201, "{}", kept.text());
        Ok(())
    }

    /// Deletes a manifest with its tag.
    fn delete(&mut self) -> Asked<()> {
        let (client, name, tag) = (self.client(), self.name(), self.tag());
        let key = (name.clone(), tag);
        let Some(image) = self.shared.there().images.remove(&key) else {
            return Ok(());
        };
        let path = format!("/v2/{name}/manifests/{}", image.digest);
        Self::ask(&client, ("DELETE", &path), &[202])?;
        Ok(())
    }

    /// Publishes a version of a package of one of the protocols.
    fn publish(&mut self) -> Asked<()> {
        if self.shared.kills {
            return Ok(()); // its answer cannot be lost here
        }
        let protocol = match self.random.below(3) {
            0 => "npm",
            1 => "cargo",
            _ => "pypi",
        };
        let (client, name) = (self.client(), format!("package{}", self.number));
        self.versions += 1;
        let version = format!("1.0.{}", self.versions);
        let bytes = self.random.bytes(70_000);
        let answer = publish_to(&client, (protocol, "local"), &name, &version, &bytes);
        assert!(answer.status < 300, "{} {}", answer.status, answer.text());
        let path = match protocol {
            "npm" => format!("/npm/local/{name}/-/{name}-{version}.tgz"),
            "cargo" => format!("/cargo/local/api/v1/crates/{name}/{version}/download"),
            _ => format!(
                "/pypi/local/packages/{name}/{}",
                wheel_name(&name, &version)
            ),
        };
        let bytes = client.try_send("GET", &path, &[], b"")?.expect(200).body;
        let key = VersionKey {
            writer: self.number,
            protocol,
            name,
            version,
        };
        let mut there = self.shared.there();
        there
            .packages
            .insert(key, Arc::new(Published { path, bytes }));
        drop(there);
        self.shared.pushed();
        Ok(())
    }

    fn take_back(&mut self) -> Asked<()> {
        let client = self.client();
        let mut there = self.shared.there();
        let mut own = there
            .packages
            .keys()
            .filter(|key| key.writer == self.number);
        let Some(key) = own.next().cloned() else {
            return Ok(());
        };
        there.packages.remove(&key);
        drop(there);
        let VersionKey {
            protocol,
            name,
            version,
            ..
        } = key;
        let path =
            format!("/api/v1/repositories/{protocol}/local/packages/{name}/versions/{version}");
        Self::ask(&client, ("DELETE", &path), &[200, 204])?;
        Ok(())
    }

    /// Pushes to where a rule keeps the newest alone: those are there, whatever goes meanwhile.
    fn push_ruled(&mut self) -> Asked<()> {
        let client = self.client();
        let name = format!("ruled/app{}", self.number);
        self.ruled += 1;
        let tag = format!("t{:06}", self.ruled);
        let image = Arc::new(self.shared.image(&mut self.random));
        let keys: Vec<_> = (self.ruled.saturating_sub(NEWEST - 1)..=self.ruled)
            .map(|number| (name.clone(), format!("t{number:06}")))
            .collect();
        while !self.try_push(&client, &name, &tag, &image)? {}
        self.shared.there().ruled.insert((name, tag), image);
        for (name, tag) in keys {
            let image = self
                .shared
                .there()
                .ruled
                .get(&(name.clone(), tag.clone()))
                .cloned();
            // One that was in flight when its server ended may be there or not.
            let Some(image) = image else { continue };
            let path = format!("/v2/{name}/manifests/{tag}");
            let answer = client.try_send("GET", &path, &[], b"")?.expect(200);
            assert!(answer.body == image.manifest, "{path} came back different");
            for (digest, bytes) in &image.blobs {
                let path = format!("/v2/{name}/blobs/{digest}");
                let answer = client.try_send("GET", &path, &[], b"")?.expect(200);
                assert!(answer.body == *bytes, "{path} came back different");
            }
        }
        self.shared.pushed();
        Ok(())
    }
}

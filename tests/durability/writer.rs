//! One of the concurrent writers: pushes random images in every way that the API has, until the
//! server is gone.

use crate::model::Journal;
use crate::trigger::{Gone, Trigger};
use larder_model::Digest;
use larder_tests::image::{MANIFEST, digest};
use larder_tests::random::Random;
use larder_tests::{Client, Response};
use serde_json::json;
use std::sync::Mutex;

const BYTES: [(&str, &str); 1] = [("content-type", "application/octet-stream")];

/// A blob that is there.
#[derive(Clone)]
pub struct Stocked {
    image: String,
    digest: Digest,
    size: usize,
}

/// What all writers of a round share.
pub struct Round<'a> {
    /// The server.
    pub client: Client,
    /// When it dies.
    pub trigger: Trigger,
    /// The round's number: some blobs are the same for all writers of it.
    pub number: u64,
    /// Acknowledged blobs that can be mounted.
    pub stock: &'a Mutex<Vec<Stocked>>,
    /// Whether chunks that were acknowledged may be gone: they outlive a server, but not a machine.
    pub loses_chunks: bool,
}

/// An upload in chunks that outlives its server.
struct Open {
    image: String,
    location: String,
    bytes: Vec<u8>,
    acknowledged: usize,
    sent: usize,
    closing: bool,
    /// Bytes of it were acknowledged by a server that was killed.
    resumed: bool,
}

/// A writer.
pub struct Writer {
    number: usize,
    random: Random,
    open: Option<Open>,
}

/// A writer's round.
struct Turn<'a> {
    writer: &'a mut Writer,
    round: &'a Round<'a>,
    journal: Journal,
}

impl Writer {
    /// The writer of that number.
    pub fn new(number: usize, random: &mut Random) -> Self {
        Self {
            number,
            random: Random::new(random.number()),
            open: None,
        }
    }

    /// Writes until the server is gone.
    pub fn run(&mut self, round: &Round<'_>) -> Journal {
        let mut turn = Turn {
            writer: self,
            round,
            journal: Journal::default(),
        };
        let Err(Gone) = turn.write();
        turn.journal
    }
}

fn location(answer: &Response) -> String {
    answer.header("location").expect("location").to_owned()
}

impl Turn<'_> {
    fn below(&mut self, end: u64) -> u64 {
        self.writer.random.below(end)
    }

    /// Most images are this writer's own, some are everyone's.
    fn image(&mut self) -> String {
        match self.below(6) {
            0 => "team/shared".to_owned(),
            one => format!("team/w{}-{}", self.writer.number, one % 2),
        }
    }

    fn tag(&mut self) -> String {
        ["latest", "v1", "v2"][usize::try_from(self.below(3)).expect("small")].to_owned()
    }

    fn size(&mut self) -> usize {
        let small = self.below(200);
        let border = 65_535 + self.below(3);
        let size = match self.below(20) {
            0..8 => small,
            8..13 => border,
            13..18 => 200_000 + small,
            _ => 3_000_000 + small,
        };
        usize::try_from(size).expect("small")
    }

    fn bytes(&mut self) -> Vec<u8> {
        let size = self.size();
        if self.below(6) == 0 {
            // The same bytes come from several writers at once.
            let seed = self.round.number * 4 + self.below(3);
            return Random::new(seed).bytes(200_000);
        }
        self.writer.random.bytes(size)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, Gone> {
        self.round
            .trigger
            .send(&self.round.client, method, path, headers, body)
    }

    fn write(&mut self) -> Result<std::convert::Infallible, Gone> {
        if self.writer.open.is_some() {
            self.resume()?;
        }
        loop {
            match self.below(8) {
                0 => self.remove_tag()?,
                1 if self.writer.open.is_none() => self.open()?,
                1 | 2 => self.go_on()?,
                _ => self.push_image()?,
            }
        }
    }

    fn push_image(&mut self) -> Result<(), Gone> {
        let image = self.image();
        let config = json!({"os": "linux", "seed": self.writer.random.number()})
            .to_string()
            .into_bytes();
        let mut layers = vec![(digest(&config), config.len())];
        self.push_whole(&image, &config)?;
        for _ in 0..self.below(4) {
            layers.push(self.push_layer(&image)?);
        }
        let descriptor = |kind: &str, (digest, size): &(Digest, usize)| {
            let media_type = format!("application/vnd.oci.image.{kind}");
            json!({"mediaType": media_type, "digest": digest.to_string(), "size": size})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor("config.v1+json", &layers[0]),
            "layers": layers[1..].iter().map(|layer| descriptor("layer.v1.tar", layer)).collect::<Vec<_>>(),
        });
        self.put_manifest(&image, manifest.to_string().as_bytes())
    }

    fn put_manifest(&mut self, image: &str, manifest: &[u8]) -> Result<(), Gone> {
        let by_digest = digest(manifest);
        let (path, tags) = match self.below(4) {
            0 => (format!("/v2/{image}/manifests/{by_digest}"), Vec::new()),
            1 => (
                format!("/v2/{image}/manifests/{by_digest}?tag=v1&tag=v2"),
                vec!["v1".to_owned(), "v2".to_owned()],
            ),
            _ => {
                let tag = self.tag();
                (format!("/v2/{image}/manifests/{tag}"), vec![tag])
            }
        };
        for tag in &tags {
            self.journal.tag_begins(image, tag, Some(by_digest));
        }
        self.send("PUT", &path, &[("content-type", MANIFEST)], manifest)?
            .expect(201);
        self.journal.acknowledged += 1;
        for tag in &tags {
            self.journal.tag_ends(image, tag, true);
        }
        self.journal.keep(
            format!("/v2/{image}/manifests/{by_digest}"),
            by_digest,
            manifest.len(),
        );
        Ok(())
    }

    fn push_layer(&mut self, image: &str) -> Result<(Digest, usize), Gone> {
        if self.below(4) == 0
            && let Some(stocked) = self.stocked()
        {
            self.mount(image, &stocked)?;
            return Ok((stocked.digest, stocked.size));
        }
        let bytes = self.bytes();
        match self.below(3) {
            0 => self.push_at_once(image, &bytes)?,
            1 => self.push_whole(image, &bytes)?,
            _ => self.push_streamed(image, &bytes)?,
        }
        Ok((digest(&bytes), bytes.len()))
    }

    fn stocked(&mut self) -> Option<Stocked> {
        let number = self.writer.random.number();
        let stock = self.round.stock.lock().expect("stock");
        let count = stock.len() as u64;
        (count > 0).then(|| stock[usize::try_from(number % count).expect("index")].clone())
    }

    fn mount(&mut self, image: &str, from: &Stocked) -> Result<(), Gone> {
        let path = format!(
            "/v2/{image}/blobs/uploads/?mount={}&from={}",
            from.digest, from.image
        );
        self.send("POST", &path, &[], b"")?.expect(201);
        self.blob_acknowledged(image, from.digest, from.size);
        Ok(())
    }

    fn push_at_once(&mut self, image: &str, bytes: &[u8]) -> Result<(), Gone> {
        let path = format!("/v2/{image}/blobs/uploads/?digest={}", digest(bytes));
        self.send("POST", &path, &BYTES, bytes)?.expect(201);
        self.blob_acknowledged(image, digest(bytes), bytes.len());
        Ok(())
    }

    fn push_whole(&mut self, image: &str, bytes: &[u8]) -> Result<(), Gone> {
        let started = self
            .send("POST", &format!("/v2/{image}/blobs/uploads/"), &[], b"")?
            .expect(202);
        let path = format!("{}&digest={}", location(&started), digest(bytes));
        self.send("PUT", &path, &BYTES, bytes)?.expect(201);
        self.blob_acknowledged(image, digest(bytes), bytes.len());
        Ok(())
    }

    fn push_streamed(&mut self, image: &str, bytes: &[u8]) -> Result<(), Gone> {
        let started = self
            .send("POST", &format!("/v2/{image}/blobs/uploads/"), &[], b"")?
            .expect(202);
        let patched = self
            .send("PATCH", &location(&started), &BYTES, bytes)?
            .expect(202);
        let path = format!("{}&digest={}", location(&patched), digest(bytes));
        self.send("PUT", &path, &[], b"")?.expect(201);
        self.blob_acknowledged(image, digest(bytes), bytes.len());
        Ok(())
    }

    fn blob_acknowledged(&mut self, image: &str, digest: Digest, size: usize) {
        self.journal.acknowledged += 1;
        self.journal
            .keep(format!("/v2/{image}/blobs/{digest}"), digest, size);
        let mut stock = self.round.stock.lock().expect("stock");
        stock.push(Stocked {
            image: image.to_owned(),
            digest,
            size,
        });
        if stock.len() > 100 {
            stock.swap_remove(0);
        }
    }

    fn remove_tag(&mut self) -> Result<(), Gone> {
        let (image, tag) = (self.image(), self.tag());
        self.journal.tag_begins(&image, &tag, None);
        let answer = self.send("DELETE", &format!("/v2/{image}/manifests/{tag}"), &[], b"")?;
        assert!(
            [202, 404].contains(&answer.status),
            "{} {}",
            answer.status,
            answer.text()
        );
        self.journal.tag_ends(&image, &tag, answer.status == 202);
        self.journal.acknowledged += u64::from(answer.status == 202);
        Ok(())
    }

    /// Begins an upload that takes several requests, between others and over restarts.
    fn open(&mut self) -> Result<(), Gone> {
        let image = self.image();
        let size = 2 + self.size();
        let bytes = self.writer.random.bytes(size);
        let started = self
            .send("POST", &format!("/v2/{image}/blobs/uploads/"), &[], b"")?
            .expect(202);
        let open = Open {
            image,
            location: location(&started),
            bytes,
            acknowledged: 0,
            sent: 0,
            closing: false,
            resumed: false,
        };
        self.writer.open = Some(open);
        self.go_on()
    }

    /// Sends the next chunk, or the end.
    fn go_on(&mut self) -> Result<(), Gone> {
        let Some(mut open) = self.writer.open.take() else {
            return Ok(());
        };
        let at = open.acknowledged;
        let left = (open.bytes.len() - at) as u64;
        let count = 2 + usize::try_from(self.below(left.max(1))).expect("small");
        let end = open.bytes.len().min(at + count);
        open.closing = end == open.bytes.len();
        open.sent = end;
        let range = format!("{at}-{}", end.max(1) - 1);
        let headers: &[(&str, &str)] = if end > at {
            &[("content-range", &range)]
        } else {
            &[]
        };
        let method = if open.closing { "PUT" } else { "PATCH" };
        let path = if open.closing {
            format!("{}&digest={}", open.location, digest(&open.bytes))
        } else {
            open.location.clone()
        };
        let answer = self.send(method, &path, headers, &open.bytes[at..end]);
        match answer {
            Err(Gone) => {
                self.writer.open = Some(open);
                Err(Gone)
            }
            // It begins anew.
            Ok(answer) if open.resumed && self.round.loses_chunks && answer.status == 404 => Ok(()),
            Ok(answer) if open.closing => {
                answer.expect(201);
                self.blob_acknowledged(&open.image, digest(&open.bytes), open.bytes.len());
                Ok(())
            }
            Ok(answer) => {
                let answer = answer.expect(202);
                assert_eq!(
                    answer.header("range"),
                    Some(format!("0-{}", end - 1).as_str())
                );
                open.acknowledged = end;
                open.location = location(&answer);
                open.resumed = false;
                self.journal.acknowledged += 1;
                self.writer.open = Some(open);
                Ok(())
            }
        }
    }

    /// After a kill: an upload stands where it was acknowledged, or where it was sent to, or it is
    /// done.
    fn resume(&mut self) -> Result<(), Gone> {
        let Some(mut open) = self.writer.open.take() else {
            return Ok(());
        };
        let status = self.send("GET", &open.location, &[], b"");
        let Ok(status) = status else {
            self.writer.open = Some(open);
            return Err(Gone);
        };
        if status.status == 404 {
            assert!(
                open.closing || self.round.loses_chunks,
                "an upload of which {} bytes were acknowledged is gone",
                open.acknowledged
            );
            let path = format!("/v2/{}/blobs/{}", open.image, digest(&open.bytes));
            let Ok(blob) = self.send("HEAD", &path, &[], b"") else {
                self.writer.open = Some(open);
                return Err(Gone);
            };
            if blob.status == 404 && self.round.loses_chunks {
                return Ok(());
            }
            assert_eq!(
                blob.status, 200,
                "an upload of which {} bytes were acknowledged is gone",
                open.acknowledged
            );
            self.blob_acknowledged(&open.image, digest(&open.bytes), open.bytes.len());
            return Ok(());
        }
        let range = status
            .expect(204)
            .header("range")
            .expect("range")
            .to_owned();
        let last: usize = range
            .strip_prefix("0-")
            .and_then(|last| last.parse().ok())
            .expect("range");
        let received = if last == 0 { 0 } else { last + 1 };
        assert!(
            (open.acknowledged..=open.sent).contains(&received),
            "{received} of {}..{}",
            open.acknowledged,
            open.sent
        );
        self.journal.resumed += u64::from(received > 0);
        open.acknowledged = received;
        open.closing = false;
        open.resumed = true;
        self.writer.open = Some(open);
        self.go_on()
    }
}

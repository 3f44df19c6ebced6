use super::*;
use crate::counters::Counters;
use crate::intake::tests::{Bed, bed};
use crate::upstream::remote::UpstreamParts;
use crate::upstream::{Proxies, UpstreamConfig};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderValue;
use larder_keys::Credentials;
use larder_model::{Clock, Limit, Timestamp, UpstreamSettings};
use std::time::Duration;

fn headers(name: HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("value"))])
}

#[test]
fn a_size_that_cannot_be_is_refused() {
    let size = |text: &str| announced_size(&headers(CONTENT_LENGTH, text)).map_err(|TooLarge| ());
    assert_eq!(size("700"), Ok(Some(700)));
    assert_eq!(size(&i64::MAX.to_string()), Ok(Some(LARGEST)));
    assert_eq!(size("many"), Ok(None));
    for text in ["9223372036854775808", "18446744073709551615"] {
        assert_eq!(size(text), Err(()), "{text}");
    }
}

fn upstream() -> Arc<Upstream> {
    let settings = UpstreamSettings {
        url: "http://registry.example/".to_owned(),
        ..UpstreamSettings::default()
    };
    let time = Duration::from_secs(1);
    let config = UpstreamConfig {
        connect_time: time,
        answer_time: time,
        idle_time: time,
        requests: 1,
        authorities: Vec::new(),
        proxies: Proxies::default(),
    };
    let upstream = Upstream::new(UpstreamParts {
        name: "cargo/up".to_owned(),
        settings: &settings,
        credentials: Credentials::default(),
        protocol: larder_mirrors::all()[0],
        config: &config,
        counters: &Arc::<Counters>::default(),
        clock: Clock::new(|| Timestamp(1_000_000)),
        may_ask: Box::new(|| true),
    });
    upstream.expect("upstream")
}

/// A body of an upstream with these bytes; of their size it says something or nothing.
fn body(upstream: &Arc<Upstream>, bytes: Vec<u8>, size: Option<u64>, gzip: bool) -> UpstreamBody {
    UpstreamBody {
        response: http::Response::new(bytes).into(),
        decoder: gzip.then(|| MultiGzDecoder::new(Vec::new())),
        waiting: Bytes::new(),
        packed: 0,
        unpacked: 0,
        is_labelled: false,
        size,
        etag: String::new(),
        modified: String::new(),
        content_type: String::new(),
        upstream: Arc::clone(upstream),
        url: upstream.base.clone(),
        mirror: None,
        file: "/demo".to_owned(),
        _slot: None,
    }
}

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("packed");
    encoder.finish().expect("packed")
}

/// What came of a body, or why it is refused.
async fn collect(bed: &Bed, body: UpstreamBody, limit: usize) -> Result<Bytes, String> {
    let received = body.collect(limit, &bed.intake).await;
    match received {
        Ok(received) => Ok(received.small().await.expect("bytes")),
        Err(problem) => Err(problem.detail.into_owned()),
    }
}

#[tokio::test]
async fn a_body_has_no_byte_more_than_its_limit() {
    let (bed, upstream) = (bed(32 << 20).await, upstream());
    // In memory, and on the disk.
    for limit in [1000_usize, 9 << 20] {
        let whole = vec![b'x'; limit];
        let more = vec![b'x'; limit + 1];
        let refusal = Limit::from(limit).at_end_of("sends too many bytes for /demo");
        for said in [false, true] {
            let size = |bytes: &[u8]| said.then_some(bytes.len() as u64);
            let one = body(&upstream, whole.clone(), size(&whole), false);
            assert!(collect(&bed, one, limit).await.as_deref() == Ok(&*whole));
            let other = body(&upstream, more.clone(), size(&more), false);
            let refused = collect(&bed, other, limit).await.expect_err("refused");
            assert!(refused.contains(&refusal), "{refused}");
        }
        let one = body(&upstream, packed(&whole), None, true);
        let came = collect(&bed, one, limit).await;
        if limit < 1 << 20 {
            assert!(came.as_deref() == Ok(&*whole));
        } else {
            let refused = came.expect_err("nothing is packed as well");
            assert!(refused.contains("unpacks to too much"), "{refused}");
        }
        let other = body(&upstream, packed(&more), None, true);
        collect(&bed, other, limit).await.expect_err("refused");
    }
    assert_eq!(bed.room.free(), 32 << 20, "nothing has a place any more");
}

#[tokio::test]
async fn a_packed_body_that_is_cut_is_none() {
    let (bed, upstream) = (bed(32 << 20).await, upstream());
    let mut noise = 1_u32;
    let mut byte = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0] % 16
    };
    for size in [1000, 9 << 20] {
        let plain: Vec<u8> = std::iter::repeat_with(&mut byte).take(size).collect();
        let all = packed(&plain);
        let whole = body(&upstream, all.clone(), None, true);
        assert!(collect(&bed, whole, size).await.as_deref() == Ok(&*plain));
        for cut in [all.len() - 1, all.len() / 2] {
            let half = body(&upstream, all[..cut].to_vec(), None, true);
            let refused = collect(&bed, half, size).await.expect_err("refused");
            assert!(refused.contains("badly compressed"), "{refused}");
        }
    }
    assert_eq!(bed.room.free(), 32 << 20, "nothing has a place any more");
}

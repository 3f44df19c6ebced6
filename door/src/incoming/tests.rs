use super::*;

fn ready(text: &'static str) -> Incoming {
    Incoming::ready(Bytes::from_static(text.as_bytes()))
}

async fn read(body: LentBody) -> Result<Bytes, Problem> {
    body.collect()
        .await
        .map(http_body_util::Collected::to_bytes)
}

#[tokio::test]
async fn a_lent_body_comes_back() {
    let mut body = ready("hello");
    let read = body.lend(read).await.expect("read");
    assert_eq!((&read[..], body.drain(false).await), (&b"hello"[..], true));

    let mut body = ready("hello");
    body.lend(async |lent| drop(lent)).await;
    assert_eq!(body.collect(5_usize).await.expect("unread"), "hello");

    let mut body = ready("hello");
    let kept = body.lend(async |lent| lent).await;
    assert!(!body.drain(false).await, "someone else reads it");
    drop(kept);
}

#[tokio::test]
async fn a_lent_body_has_its_limit() {
    let mut body = ready("hello");
    body.limit(4_u64);
    let problem = body.lend(read).await.expect_err("too large");
    assert_eq!(problem.kind, Kind::TooLarge);
}

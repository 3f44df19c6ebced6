use super::*;

fn text(bytes: &'static str) -> impl Fn(Range<u64>) -> ContentStream + Send + 'static {
    move |range| {
        let range =
            usize::try_from(range.start).expect("start")..usize::try_from(range.end).expect("end");
        let part = Bytes::from_static(bytes.as_bytes()).slice(range);
        once(ready(Ok(Content::Ready(part)))).boxed()
    }
}

#[tokio::test]
async fn parts_stand_between_boundaries_and_say_what_they_are() {
    let multipart = Multipart::new(vec![7..9, 0..1], HeaderValue::from_static("text/plain"), 10);
    let boundary = multipart.boundary.clone();
    let told = multipart.content_type().expect("media type");
    assert_eq!(told, format!("multipart/byteranges; boundary={boundary}"));
    let length = multipart.length();
    let mut stream = multipart.stream(text("0123456789"));
    let mut all = Vec::new();
    while let Some(content) = stream.next().await {
        let bytes = content.expect("content").collect(1000).await;
        all.extend_from_slice(&bytes.expect("bytes"));
    }
    assert_eq!(all.len() as u64, length);
    let expected = "\r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 7-8/10\r\n\r\n78\
        \r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-0/10\r\n\r\n0\
        \r\n--B--\r\n";
    assert_eq!(
        String::from_utf8(all).expect("text"),
        expected.replace('B', &boundary)
    );
}

#[test]
fn no_two_answers_have_one_boundary() {
    let (one, other) = (boundary(), boundary());
    assert_ne!(one, other);
    assert!(
        one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{one}"
    );
}

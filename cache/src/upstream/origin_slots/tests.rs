use super::*;
use futures_util::FutureExt as _;

#[tokio::test]
async fn each_origin_has_slots_of_its_own() {
    let slots = OriginSlots::new(1);
    let url = |text: &str| text.parse::<Url>().expect("url");
    let (a, b) = (url("https://a.example/x"), url("https://b.example/"));
    let permit = slots.acquire(&a).await.expect("slot");
    let other = url("https://a.example/y");
    assert!(
        slots.acquire(&other).now_or_never().is_none(),
        "it is taken"
    );
    assert!(slots.acquire(&b).now_or_never().is_some());
    drop(permit);
    assert!(slots.acquire(&other).now_or_never().is_some());
}

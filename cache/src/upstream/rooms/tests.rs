use super::*;
use futures_util::FutureExt as _;

#[tokio::test]
async fn each_origin_has_places_of_its_own() {
    let rooms = Rooms::new(1);
    let url = |text: &str| text.parse::<Url>().expect("url");
    let (a, b) = (url("https://a.example/x"), url("https://b.example/"));
    let place = rooms.enter(&a).await.expect("place");
    let other = url("https://a.example/y");
    assert!(rooms.enter(&other).now_or_never().is_none(), "it is taken");
    assert!(rooms.enter(&b).now_or_never().is_some());
    drop(place);
    assert!(rooms.enter(&other).now_or_never().is_some());
}

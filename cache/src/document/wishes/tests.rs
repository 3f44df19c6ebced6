use super::super::job::RepresentationRequest;
use super::*;
use larder_mirrors::{Document, RepoUrl, Representation};
use larder_model::Algorithm;

const NAMED: Representation = Representation {
    name: "short",
    content_type: "text/plain",
    has_absolute_urls: true,
    compressible: true,
};

fn key() -> Key {
    (1, "demo".into())
}

fn recipe(representation: Representation, origin: &str, part: Option<&str>) -> Option<Recipe> {
    let request = RepresentationRequest {
        repo: 1,
        document: &Document::new("demo", "list"),
        representation,
        part,
        gzip: true,
        repo_url: RepoUrl {
            origin,
            path: "/kind/repo",
            rest: "",
            public: true,
            identified: false,
        },
        leads: &Arc::default(),
    };
    request.recipe()
}

fn short() -> Recipe {
    recipe(NAMED, "http://a.example", None).expect("a recipe")
}

#[test]
fn what_is_served_as_it_comes_has_no_recipe() {
    let plain = Representation { name: "", ..NAMED };
    assert!(recipe(plain, "http://a.example", None).is_none());
    assert!(recipe(NAMED, "http://a.example", Some("1.0.0")).is_none());
    assert!(
        recipe(NAMED, &"x".repeat(300), None).is_none(),
        "no address"
    );
}

#[test]
fn those_who_want_the_same_have_one_wish_while_one_of_them_waits() {
    let wishes = Wishes::default();
    let first = wishes.enter(key(), short()).expect("a wish");
    // Another address of this server makes no difference, another form does.
    let other_address = recipe(NAMED, "http://other.example", None).expect("a recipe");
    let second = wishes.enter(key(), other_address).expect("the same");
    assert!(Arc::ptr_eq(&first, &second));
    let longer = Representation {
        name: "long",
        ..NAMED
    };
    let longer = || recipe(longer, "http://a.example", None).expect("a recipe");
    assert!(wishes.enter(key(), longer()).is_none());
    drop(first);
    assert!(
        wishes
            .of(&key())
            .is_some_and(|wish| Arc::ptr_eq(&wish, &second))
    );
    drop(second);
    assert!(wishes.of(&key()).is_none(), "nobody waits");
    let third = wishes.enter(key(), longer()).expect("a wish");
    let other = (2, "demo".into());
    assert!(
        wishes.enter(other, short()).is_some(),
        "of another document"
    );
    assert!(
        wishes
            .of(&key())
            .is_some_and(|wish| Arc::ptr_eq(&wish, &third))
    );
    assert_eq!(wishes.0.lock().expect("lock").len(), 2);
}

#[test]
fn what_was_made_is_of_the_bytes_that_it_was_made_of() {
    let wishes = Wishes::default();
    let wish = wishes.enter(key(), short()).expect("a wish");
    let digest = |text: &str| Digest::of(Algorithm::Sha256, text.as_bytes());
    assert!(wish.made_of(&digest("one")).is_none());
    wish.fulfil(digest("one"), Made::of("form".into()));
    wish.fulfil(digest("two"), Made::of("later".into()));
    let made = wish.made_of(&digest("one")).expect("made");
    assert_eq!((&*made.bytes, made.digest), (&b"form"[..], digest("form")));
    assert!(wish.made_of(&digest("two")).is_none());
}

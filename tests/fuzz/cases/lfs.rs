//! Whatever is said about large files is read or refused, never a panic; what is answered can be read.
use http::header::{CONTENT_LENGTH, HOST};
use larder_git::lfs::{Outcome, Refusal, answer, read_answer, read_batch, read_object};

/// Whatever comes, nothing panics.
pub fn run(body: &[u8]) {
    if let Ok(batch) = read_batch(body) {
        let outcome = |index: usize| match index % 4 {
            0 => Outcome::Nothing,
            1 => Outcome::Download("http://larder.example/a".to_owned()),
            2 => Outcome::Upload(
                "http://larder.example/a".to_owned(),
                "http://larder.example/b".to_owned(),
            ),
            _ => Outcome::Refused(Refusal::missing()),
        };
        let objects = batch.objects.into_iter().enumerate();
        let outcomes: Vec<_> = objects
            .map(|(index, object)| (object, outcome(index)))
            .collect();
        let answer = answer(&outcomes).expect("an answer");
        read_answer(&answer).expect("what was answered");
    }
    for lead in read_answer(body)
        .unwrap_or_default()
        .into_values()
        .flatten()
    {
        assert!(
            lead.headers
                .iter()
                .all(|(name, _)| *name != HOST && *name != CONTENT_LENGTH)
        );
        assert!(
            lead.headers.iter().all(|(_, value)| value.is_sensitive()),
            "it would be logged"
        );
    }
    let _ = read_object(body);
}

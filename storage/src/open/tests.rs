use super::*;
use object_store::ClientConfigKey;

fn bucket(provider: Provider, key: &str) -> Bucket {
    Bucket {
        provider,
        name: "larder".to_owned(),
        prefix: None,
        region: None,
        endpoint: None,
        access_key_id: Some("account".to_owned()),
        secret_access_key: Some(key.to_owned()),
        allow_http: false,
        path_style: true,
    }
}

fn opened(bucket: &Bucket) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("folder");
    let store = BlobStore::bucket(bucket, folder.path());
    store.map(drop).map_err(|error| error.to_string())
}

/// A key that cannot be read is told of as it is opened, and nothing of it is repeated.
#[test]
fn a_key_that_is_none_is_told_of_and_not_told() {
    let json = "storage.secret_access_key is not the JSON of a service account's key";
    for key in ["", "s3cr3t", "\"s3cr3t\"", "{\"private_key\":\"s3cr3t\"}"] {
        let told = opened(&bucket(Provider::Gcs, key));
        assert_eq!(told, Err(json.to_owned()), "{key}");
    }
    let base64 = "storage.secret_access_key is not an access key of the account, in base64";
    let told = opened(&bucket(Provider::Azure, "s3cr3t!"));
    assert_eq!(told, Err(base64.to_owned()));
}

#[test]
fn keys_of_each_provider_open_its_bucket() {
    let service_account =
        r#"{"private_key":"","private_key_id":"","client_email":"","disable_oauth":true}"#;
    for (provider, key) in [
        (Provider::S3, "s3cr3t"),
        (Provider::Gcs, service_account),
        (Provider::Azure, "czNjcjN0"),
    ] {
        assert_eq!(opened(&bucket(provider, key)), Ok(()));
    }
}

#[test]
fn a_bucket_says_where_it_is() {
    let mut azure = bucket(Provider::Azure, "czNjcjN0");
    let place = "the container larder of the account account at its provider";
    assert_eq!(azure.place(), place);
    azure.endpoint = Some("https://objects.example".to_owned());
    azure.provider = Provider::Gcs;
    let place = "the bucket larder at https://objects.example";
    assert_eq!(azure.place(), place);
}

/// Silence while a part is on its way is no fault of a slow line.
#[test]
fn what_is_sent_has_more_time_than_what_is_read() {
    let patience = |time| {
        let told = client(false, time).get_config_value(&ClientConfigKey::ReadTimeout);
        told.expect("a time")
    };
    assert_eq!((&*patience(SILENCE), &*patience(SENDING)), ("1m", "10m"));
    assert_eq!(super::patience(SENDING).retry_timeout, 3 * SENDING);
    // 8 MiB each, on a line of 0.5 Mbit/s.
    assert!(4 * 8 * (8 << 20) / 500_000 < SENDING.as_secs());
}

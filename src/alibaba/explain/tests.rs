//! What a person is told, good and bad.

use super::{callback::domain, *};
use crate::{
    alibaba::{rtc_callback, signature, token},
    domain::{
        AppId, ChannelId, Millis, StayId, SubscriptionId, UserId,
        endpoint::EndpointId,
        event::{ChannelEvent, InChannel, Reason, UserInChannel},
        outbox::{DeliveryId, Freezing},
        participant::{Media, Medias, Role},
    },
    explanation::Verdict,
};
use base64::Engine;

const LIVE: &str = "4fbe9ce9d993db5369ba26ebe83641e54a8c96dd49aa5bd0d96b864fbf59756c";
const RTC: &str = "0581ab213b746c12dd8e76af78a900b6";

fn headers(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn callbacks_are_checked() {
    let live = |signature| [("host", "CB.example.com:8443"), ("ali-live-timestamp", "1700000000"), ("ALI-LIVE-SIGNATURE", signature)];
    let with_port = signature::live_callback("CB.example.com:8443", "1700000000", "abckey");
    let upper = LIVE.to_uppercase();
    for (headers, keys, now, expected) in [
        (headers(&live(LIVE)), vec!["abckey"], 1_700_000_000, ""),
        (headers(&live(LIVE)), vec!["other", "abckey"], 1_700_000_300, ""),
        (headers(&[("Host", "cb.example.com"), ("Ali-Rtc-Timestamp", "1700000000"), ("Ali-Rtc-Signature", RTC)]), vec!["abckey"], 1_700_000_000, ""),
        (headers(&live(LIVE)), vec!["abckey"], 1_700_000_301, "301 s ago"),
        (headers(&live(LIVE)), vec!["abckey"], 1_699_999_699, "301 s in the future"),
        (headers(&live(LIVE)), vec!["other"], 1_700_000_000, "another AppKey, or another host"),
        (headers(&live(LIVE)), vec!["abckey "], 1_700_000_000, "space or line end"),
        (headers(&live(LIVE)), vec![], 1_700_000_000, "no AppKey"),
        (headers(&live(&with_port)), vec!["abckey"], 1_700_000_000, "with the port"),
        (headers(&live(&upper)), vec!["abckey"], 1_700_000_000, "lower case"),
        (headers(&live("zz")), vec!["abckey"], 1_700_000_000, "64 hex digits"),
        (headers(&live("")), vec!["abckey"], 1_700_000_000, "64 hex digits"),
        (headers(&[("Host", "a"), ("Ali-Live-Signature", LIVE)]), vec!["abckey"], 1_700_000_000, "Ali-Live-Timestamp is missing"),
        (headers(&[("Host", "a"), ("Ali-Live-Timestamp", "1")]), vec!["abckey"], 1_700_000_000, "Ali-Live-Signature is missing"),
        (headers(&[("Host", "a")]), vec!["abckey"], 1_700_000_000, "unsigned"),
    ] {
        let keys: Vec<String> = keys.into_iter().map(String::from).collect();
        match check_callback(&headers, &keys, Millis(now * 1000)) {
            Verdict::Valid => assert_eq!(expected, ""),
            Verdict::Unsigned => assert_eq!(expected, "unsigned"),
            Verdict::Wrong(why) => assert!(!expected.is_empty() && why.contains(expected), "{expected}: {why}"),
        }
    }
}

#[test]
fn domains() {
    for (host, expected) in [("A.b:80", "a.b"), ("127.0.0.1:8782", "127.0.0.1"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("", ""), ("a", "a")] {
        assert_eq!(domain(host), expected);
    }
}

#[test]
fn bodies_in_words() {
    for (body, expected) in [
        (
            r#"{"appid":"demo","eves":[{"uid":"u1","sid":"s","events":[{"e":1},{"e":3,"g":"g1"}]},{"uid":"u2","sid":"t","events":[{"e":4,"g":"g1"}]}]}"#,
            "u1 logged on (sid s)|u1 joined g1|u2 left g1",
        ),
        (
            r#"{"eves":[{"uid":"u","sid":"s","events":[{"e":2,"r":1},{"e":2,"r":3},{"e":2,"r":4}]}]}"#,
            "u logged off|u was logged off: not heard of for too long|u was logged off: logged on from elsewhere",
        ),
        (r#"{"eves":[{"uid":"u","sid":"s","events":[{"e":5,"gs":["a","b"]},{"e":9}]}]}"#, "u came back, still in a, b|u: an unknown event {\"e\":9}"),
        (
            r#"{"ChannelId":"c","Contents":[{"Event":"ChannelEvent","ChannelEvent":{"EventTag":"Open"}},{"UserEvent":{"UserId":"u","EventTag":"PublishVideo"}},{"UserEvent":{"UserId":"u","EventTag":"UnpublishAudio"}},{"UserEvent":{"UserId":"u","EventTag":"Leave","Reason":4}}]}"#,
            "channel c opened|u publishes video in channel c|u stopped publishing audio in channel c|u left channel c: not heard of for too long",
        ),
        (r#"{"ChannelID":"c","Contents":[{"UserEvent":{"UserId":"u","EventTag":"Leave","Reason":1,"Role":2}}]}"#, "u left channel c"),
        (r#"{"content":"hi"}"#, "may this be said? \"hi\""),
    ] {
        assert_eq!(callback_in_words(body.as_bytes()).unwrap().join("|"), expected);
    }
    for bad in [&b"{}"[..], b"[]", b"not json", b"\xff", br#"{"eves":5}"#] {
        assert!(callback_in_words(bad).is_err());
    }
}

/// The bodies are those that are sent, in either spelling.
#[test]
fn channel_events_in_words() {
    let at = Millis(1_700_000_000_000);
    let (delivery, endpoint) = (DeliveryId("d".into()), EndpointId::Subscription(AppId::trusted("demo"), SubscriptionId::trusted("s")));
    let told = |what: InChannel| {
        let event = ChannelEvent { app: AppId::trusted("demo"), channel: ChannelId::trusted("c"), at, what };
        let events = [("c".to_string(), rtc_callback::render(&event))];
        let freezing = Freezing { delivery: &delivery, endpoint: &endpoint, at, events: &events };
        let words = [false, true].map(|strict| callback_in_words(&rtc_callback::freeze(&freezing, strict)).unwrap().join("|"));
        assert_eq!(words[0], words[1]);
        words[0].clone()
    };
    assert_eq!((told(InChannel::Opened), told(InChannel::Closed)), ("channel c opened".into(), "channel c closed".into()));
    use UserInChannel::*;
    let (audio, both, none) = (Medias::from_iter([Media::Audio]), Medias::from_iter([Media::Audio, Media::Screen]), Medias::default());
    for (what, role, medias, expected) in [
        (Joined(Reason::Normal), Role::Viewer, none, "u joined channel c as a viewer"),
        (Joined(Reason::Rejoined), Role::Streamer, both, "u joined channel c again as a streamer, publishing audio, screen"),
        (Joined(Reason::Rejoined), Role::Viewer, none, "u joined channel c again as a viewer"),
        (Joined(Reason::Relayed), Role::Streamer, none, "u joined channel c as a streamer: relayed from another channel"),
        (Left(Reason::Normal), Role::Viewer, none, "u left channel c"),
        (Left(Reason::Relayed), Role::Viewer, none, "u left channel c: relayed no longer"),
        (Left(Reason::TimedOut), Role::Viewer, none, "u left channel c: not heard of for too long"),
        (Left(Reason::Displaced), Role::Viewer, none, "u left channel c: logged on from elsewhere"),
        (Left(Reason::Kicked), Role::Viewer, none, "u left channel c: removed"),
        (Left(Reason::ChannelClosed), Role::Viewer, none, "u left channel c: it was closed"),
        (Published(Media::Screen), Role::Streamer, both, "u publishes screen in channel c (now audio, screen)"),
        (Unpublished(Media::Screen), Role::Streamer, audio, "u stopped publishing screen in channel c (now audio)"),
        (Unpublished(Media::Audio), Role::Streamer, none, "u stopped publishing audio in channel c (now nothing)"),
        (RoleChanged, Role::Viewer, none, "u is in channel c now as a viewer"),
    ] {
        assert_eq!(told(InChannel::User { user: UserId::trusted("u"), stay: StayId::trusted("s"), role, medias, what }), expected);
    }
}

#[test]
fn callback_signatures_are_shown_and_compared() {
    for (kind, given, good, part) in [
        (Kind::Live, None, true, "cb.example.com|1700000000|<AppKey>"),
        (Kind::Live, Some(LIVE), true, "✓ valid"),
        (Kind::Rtc, Some(RTC), true, "✓ valid"),
        (Kind::Rtc, Some(LIVE), false, "✗ it is a right Ali-Live-Signature"),
        (Kind::Live, Some(RTC), false, "--kind rtc"),
        (Kind::Rtc, Some("zz"), false, "✗ it must be 32 hex digits of md5"),
    ] {
        let told = callback(kind, "http://cb.example.com:80/cb?x=1", "1700000000", "abckey", given);
        assert_eq!(told.good, good);
        assert!(told.text.contains(part) && !told.text.contains("abckey"), "{}", told.text);
    }
}

#[test]
fn logins() {
    let json = |token: &str, timestamp: &str| {
        format!(r#"{{"app_id":"demo","app_token":"{token}","auth":{{"user_id":"u1","nonce":"AK-abc","timestamp":{timestamp},"role":"admin"}}}}"#)
    };
    let good = json("15352408fec5f52d99554864de1de6feb8cfcd0abdb4cf7f2e1ae92d6c948830", "1700000000");
    let base64 = base64::engine::general_purpose::URL_SAFE.encode(&good);
    let millis = json(&token::login_token("demo", "appkey123", "u1", "AK-abc", "1700000000000", "admin"), "1700000000000");
    for (text, key, now, expected) in [
        (good.as_str(), "appkey123", 1_699_990_000, "✓ valid"),
        (&base64, "appkey123", 1_699_990_000, "in 2 h 46 min"),
        (&good, "appkey123", 1_700_000_000, "✗ rightly signed, but expired"),
        (&good, "appkey124", 1_699_990_000, "✗ the token is wrong"),
        (&good.replace("15352408fec5", "15352408FEC5"), "appkey123", 0, "lower case"),
        (&good.replace("1700000000", "\"1700000000\""), "appkey123", 1_699_990_000, "✓ valid"),
        (&millis, "appkey123", 1_699_990_000, "milliseconds"),
        ("{}", "k", 0, "missing field `app_id`"),
        ("{", "k", 0, "not JSON"),
        ("???", "k", 0, "neither JSON nor base64"),
        (&good.replace("1700000000", "-1"), "appkey123", 0, "timestamp must be a number of seconds"),
        (&good.replace("AK-abc", &"n".repeat(65)), "appkey123", 0, "✗ auth.nonce has 65 bytes; 64 are allowed"),
        (&good.replace("u1", &"u".repeat(65)), "appkey123", 0, "✗ auth.user_id is none: an id has 1 to 64 bytes"),
        (&good.replace("demo", ""), "appkey123", 0, "✗ app_id is none"),
    ] {
        let told = login(text, key, Millis(now * 1000));
        assert!(told.text.contains(expected), "{expected}: {}", told.text);
        assert_eq!(told.good, told.text.contains("✓ valid"));
        assert!(!told.text.contains("appkey12"), "{}", told.text);
    }
    assert!(login(&good, "appkey123", Millis(0)).text.contains("demo<AppKey>u1AK-abc1700000000admin"));
}

#[test]
fn channel_tokens() {
    // The official vector.
    let good = r#"{"appid":"abc","channelid":"abcChannel","userid":"abcUser","nonce":"","timestamp":1699423634,"token":"3c9ee8d9f8734f0b7560ed8022a0590659113955819724fc9345ab8eedf84f31"}"#;
    let base64 = base64::engine::general_purpose::STANDARD.encode(good);
    for (text, key, now, expected) in [
        (good, "abckey", 1_699_423_000, "✓ valid"),
        (&base64, "abckey", 1_699_423_000, "expires     in 10 min"),
        (good, "abckey", 1_699_423_634, "✗ rightly signed, but expired"),
        (good, "abckez", 1_699_423_000, "✗ the token is wrong"),
        (&good.replace("abcUser", "abcUses"), "abckey", 1_699_423_000, "✗ the token is wrong"),
        (&good.replace("3c9ee8d9f873", "3C9EE8D9F873"), "abckey", 0, "lower case"),
        (&good.replace("1699423634", "1699423634000"), "abckey", 0, "milliseconds"),
        (&good.replace("abcChannel", ""), "abckey", 0, "✗ channelid is none: an id has 1 to 64 bytes"),
        (&good.replace("\"abc\"", "\"\""), "abckey", 0, "✗ appid is none"),
        (&good.replace(r#""nonce":"""#, &format!(r#""nonce":"{}""#, "n".repeat(65))), "abckey", 0, "✗ nonce has 65 bytes"),
        ("{}", "k", 0, "missing field `appid`"),
        ("???", "k", 0, "neither JSON nor base64"),
    ] {
        let told = channel(text, key, Millis(now * 1000));
        assert!(told.text.contains(expected), "{expected}: {}", told.text);
        assert_eq!(told.good, told.text.contains("✓ valid"));
        assert!(!told.text.contains("abckey") && !told.text.contains("abckez"), "{}", told.text);
    }
    assert!(channel(good, "abckey", Millis(0)).text.contains("abc<AppKey>abcChannelabcUser1699423634"));
}

/// The captured request of `alibaba.md` §1.4, and the 1.0 vector of §1.2.
#[test]
fn requests() {
    let signed = "accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version";
    let authorization = format!(
        "ACS3-HMAC-SHA256 Credential=testAccessKeyId,SignedHeaders={signed},Signature=db293126ff4f46b93ea52070ea3ca637b09b4e93ef5758ed3c263e1c168e188b"
    );
    let v3 = headers(&[
        ("host", "127.0.0.1:18781"),
        ("x-acs-version", "2016-11-01"),
        ("x-acs-action", "CheckLiveMessageUsersOnline"),
        ("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2"),
        ("x-acs-date", "2026-11-21T21:02:35Z"),
        ("x-acs-signature-nonce", "3cf5da3cf3d2bf792b47ab8277c18a42"),
        ("accept", "application/json"),
        ("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("x-acs-credentials-provider", "static_ak"),
        ("Authorization", &authorization),
    ]);
    let v1 = "/?AppId=demo&CallbackUrl=http%3A%2F%2Fcb.example.com%2Fr+t%3Fa%3D1%26b%3D%2A~&ChannelId=ch1&Events.1=ChannelEvent&Events.2=UserEvent&Action=CreateEventSub\
              &Format=JSON&Version=2016-11-01&Timestamp=2026-01-02T03%3A04%3A05Z&SignatureNonce=0123456789abcdef0123456789abcdef&SignatureMethod=HMAC-SHA1\
              &SignatureVersion=1.0&AccessKeyId=testAccessKeyId&SignatureType=&RegionId=cn-shanghai&Signature=ZnPjgf%2FMScPNXxerOdFzwr44jHs%3D";
    for (target, headers, body, secret, expected) in [
        ("/?AppId=demo&UserIds=u1%2Cu2", &v3, &b""[..], "testAccessKeySecret", "✓ valid"),
        ("/?AppId=demo&UserIds=u1%2Cu3", &v3, b"", "testAccessKeySecret", "✗ the signature is wrong"),
        ("/?AppId=demo&UserIds=u1%2Cu2", &v3, b"", "otherSecret", "✗ the signature is wrong"),
        ("/?AppId=demo&UserIds=u1%2Cu2", &v3, b"x", "testAccessKeySecret", "the 1 bytes of body"),
        (v1, &vec![], b"", "testAccessKeySecret", "✓ valid"),
        (v1, &vec![], b"", "otherSecret", "✗ the signature is wrong"),
        (&v1.replace("Signature=Zn", "Signature=&x=Zn"), &vec![], b"", "testAccessKeySecret", "✗ MissingSignature"),
        (&v1.replace("&Timestamp=2026-01-02T03%3A04%3A05Z", ""), &vec![], b"", "testAccessKeySecret", "✗ MissingTimestamp"),
        (&v1.replace("SignatureType=", "SignatureType=BEARERTOKEN"), &vec![], b"", "testAccessKeySecret", "✗ SignatureTypeNotSupported"),
        ("/?a=%zz", &vec![], b"", "s", "not readable: there is a %"),
        ("/", &vec![], b"", "s", "neither an Authorization header"),
        ("/", &headers(&[("Authorization", "Bearer x")]), b"", "s", "SignatureTypeNotSupported"),
        ("/", &headers(&[("Authorization", "ACS3-HMAC-SHA256 Credential=x")]), b"", "s", "IncompleteSignature"),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        let told = request("POST", target, &headers, body, secret);
        assert!(told.text.contains(expected), "{expected}: {}", told.text);
        assert_eq!(told.good, expected == "✓ valid");
        assert!(!told.text.contains("Secret"), "{}", told.text);
    }
}

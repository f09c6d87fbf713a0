//! Callbacks of channel events (`alibaba.md` §3.2): events become entries of `Contents`, entries of one
//! channel become a body, and each try gets its own headers. Who is told of what is not decided here.

use super::signature;
use crate::domain::{
    Millis,
    app::App,
    endpoint::{CallbackUrl, EndpointId},
    event::{ChannelEvent, InChannel, Reason, UserInChannel},
    outbox::Freezing,
    participant::{Media, Medias},
};
use serde::Serialize;
use serde_json::value::RawValue;

/// One entry of `Contents`.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "Event")]
    event: &'static str,
    #[serde(rename = "UserEvent", skip_serializing_if = "Option::is_none")]
    user: Option<UserEvent<'a>>,
    #[serde(rename = "ChannelEvent", skip_serializing_if = "Option::is_none")]
    channel: Option<Told<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UserEvent<'a> {
    user_id: &'a str,
    event_tag: &'static str,
    session_id: &'a str,
    timestamp: i64,
    /// Only of joining and leaving.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<u8>,
    role: u8,
    /// What is published after the event. Left out where the user has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_medias: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told<'a> {
    channel_id: &'a str,
    event_tag: &'static str,
    timestamp: i64,
}

/// One event, as every subscription of it is told.
pub fn render(event: &ChannelEvent) -> String {
    let timestamp = event.at.seconds();
    let of_channel = |event_tag| {
        let told = Told { channel_id: event.channel.as_str(), event_tag, timestamp };
        Entry { event: "ChannelEvent", user: None, channel: Some(told) }
    };
    let entry = match &event.what {
        InChannel::Opened => of_channel("Open"),
        InChannel::Closed => of_channel("Close"),
        InChannel::User { user, stay, role, medias, what } => {
            let (event_tag, reason) = tag(*what);
            let current_medias = (!matches!(what, UserInChannel::Left(_))).then(|| numbers(*medias));
            let role = role.number();
            let user = UserEvent { user_id: user.as_str(), event_tag, session_id: stay.as_str(), timestamp, reason, role, current_medias };
            Entry { event: "UserEvent", user: Some(user), channel: None }
        }
    };
    serde_json::to_string(&entry).expect("strings and numbers")
}

fn tag(what: UserInChannel) -> (&'static str, Option<u8>) {
    match what {
        UserInChannel::Joined(reason) => ("Join", Some(number(reason))),
        UserInChannel::Left(reason) => ("Leave", Some(number(reason))),
        UserInChannel::Published(Media::Audio) => ("PublishAudio", None),
        UserInChannel::Published(Media::Video) => ("PublishVideo", None),
        UserInChannel::Published(Media::Screen) => ("PublishScreen", None),
        UserInChannel::Unpublished(Media::Audio) => ("UnpublishAudio", None),
        UserInChannel::Unpublished(Media::Video) => ("UnpublishVideo", None),
        UserInChannel::Unpublished(Media::Screen) => ("UnpublishScreen", None),
        UserInChannel::RoleChanged => ("Roleupdate", None),
    }
}

fn number(reason: Reason) -> u8 {
    match reason {
        Reason::Normal => 1,
        Reason::Rejoined => 2,
        Reason::Relayed => 3,
        Reason::TimedOut => 4,
        Reason::Displaced => 5,
        Reason::Kicked => 6,
        Reason::ChannelClosed => 7,
    }
}

/// As in the document's sample: `1,2,3`.
fn numbers(medias: Medias) -> String {
    let number = |media| match media {
        Media::Audio => "1",
        Media::Video => "2",
        Media::Screen => "3",
    };
    medias.iter().map(number).collect::<Vec<_>>().join(",")
}

/// The body of one POST. The document spells two ids in another way than the cloud itself; unless
/// `strict`, both spellings are there (`alibaba.md` §6 no. 1).
pub fn freeze(freezing: &Freezing, strict: bool) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a> {
        msg_id: &'a str,
        msg_timestamp: i64,
        subscribe_id: &'a str,
        #[serde(rename = "SubscribeID", skip_serializing_if = "Option::is_none")]
        subscribe_id_too: Option<&'a str>,
        app_id: &'a str,
        channel_id: &'a str,
        #[serde(rename = "ChannelID", skip_serializing_if = "Option::is_none")]
        channel_id_too: Option<&'a str>,
        contents: Vec<&'a RawValue>,
    }
    let subscription = match freezing.endpoint {
        EndpointId::Subscription(_, id) => id.as_str(),
        EndpointId::LiveEvents(_) | EndpointId::LiveRooms(_) | EndpointId::Chat(_) => "",
    };
    let channel = freezing.events.first().map_or("", |(subject, _)| subject);
    let mut contents = Vec::with_capacity(freezing.events.len());
    for (_, payload) in freezing.events {
        match serde_json::from_str(payload) {
            Ok(entry) => contents.push(entry),
            // One bad row must not make the others undeliverable.
            Err(_) => tracing::error!(subscription, "a stored event is not readable and is left out of its callback"),
        }
    }
    let body = Body {
        msg_id: &freezing.delivery.0,
        msg_timestamp: freezing.at.seconds(),
        subscribe_id: subscription,
        subscribe_id_too: (!strict).then_some(subscription),
        app_id: freezing.endpoint.app().as_str(),
        channel_id: channel,
        channel_id_too: (!strict).then_some(channel),
        contents,
    };
    serde_json::to_vec(&body).expect("strings and JSON")
}

/// The headers of one POST to `url`. Made anew at each try: the time of the try is signed.
pub fn headers(url: &str, app: &App, now: Millis) -> Vec<(&'static str, String)> {
    let host = CallbackUrl::parse(url).map(|url| url.host).unwrap_or_default();
    let timestamp = now.seconds().to_string();
    let signature = signature::rtc_callback(&host, &timestamp, &app.key);
    vec![("Content-Type", "application/json".into()), ("Ali-Rtc-Timestamp", timestamp), ("Ali-Rtc-Signature", signature)]
}

/// Anything but 200 is tried again.
pub fn is_success(status: u16) -> bool {
    status == 200
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{AppId, ChannelId, StayId, SubscriptionId, UserId, outbox::DeliveryId, participant::Role},
        fake,
    };

    const AT: Millis = Millis(1_700_000_000_999);

    #[test]
    fn events_of_a_channel() {
        for (what, tag) in [(InChannel::Opened, "Open"), (InChannel::Closed, "Close")] {
            let event = ChannelEvent { app: AppId::trusted("demo"), channel: ChannelId::trusted("c\"1"), at: AT, what };
            assert_eq!(
                render(&event),
                format!(r#"{{"Event":"ChannelEvent","ChannelEvent":{{"ChannelId":"c\"1","EventTag":"{tag}","Timestamp":1700000000}}}}"#)
            );
        }
    }

    #[test]
    fn events_of_a_user() {
        use UserInChannel::*;
        let (all, none) = (Medias::from_iter([Media::Screen, Media::Audio, Media::Video]), Medias::default());
        let streamer = r#""Role":1,"CurrentMedias""#;
        for (what, role, medias, tag, rest) in [
            (Joined(Reason::Normal), Role::Viewer, none, "Join", r#""Reason":1,"Role":2,"CurrentMedias":"""#.to_string()),
            (Joined(Reason::Rejoined), Role::Streamer, all, "Join", r#""Reason":2,"Role":1,"CurrentMedias":"1,2,3""#.into()),
            (Joined(Reason::Relayed), Role::Streamer, none, "Join", r#""Reason":3,"Role":1,"CurrentMedias":"""#.into()),
            (Left(Reason::Normal), Role::Streamer, none, "Leave", r#""Reason":1,"Role":1"#.into()),
            (Left(Reason::TimedOut), Role::Viewer, none, "Leave", r#""Reason":4,"Role":2"#.into()),
            (Left(Reason::Displaced), Role::Viewer, none, "Leave", r#""Reason":5,"Role":2"#.into()),
            (Left(Reason::Kicked), Role::Viewer, none, "Leave", r#""Reason":6,"Role":2"#.into()),
            (Left(Reason::ChannelClosed), Role::Viewer, none, "Leave", r#""Reason":7,"Role":2"#.into()),
            (Published(Media::Audio), Role::Streamer, Medias::from_iter([Media::Audio]), "PublishAudio", format!(r#"{streamer}:"1""#)),
            (Published(Media::Video), Role::Streamer, Medias::from_iter([Media::Video, Media::Audio]), "PublishVideo", format!(r#"{streamer}:"1,2""#)),
            (Published(Media::Screen), Role::Streamer, Medias::from_iter([Media::Screen]), "PublishScreen", format!(r#"{streamer}:"3""#)),
            (Unpublished(Media::Audio), Role::Streamer, Medias::from_iter([Media::Video, Media::Screen]), "UnpublishAudio", format!(r#"{streamer}:"2,3""#)),
            (Unpublished(Media::Video), Role::Streamer, none, "UnpublishVideo", format!(r#"{streamer}:"""#)),
            (Unpublished(Media::Screen), Role::Streamer, none, "UnpublishScreen", format!(r#"{streamer}:"""#)),
            (RoleChanged, Role::Viewer, none, "Roleupdate", r#""Role":2,"CurrentMedias":"""#.into()),
        ] {
            let what = InChannel::User { user: UserId::trusted("u\u{4e2d}"), stay: StayId::trusted("s1"), role, medias, what };
            let event = ChannelEvent { app: AppId::trusted("demo"), channel: ChannelId::trusted("c1"), at: AT, what };
            let expected =
                format!(r#"{{"Event":"UserEvent","UserEvent":{{"UserId":"u中","EventTag":"{tag}","SessionId":"s1","Timestamp":1700000000,{rest}}}}}"#);
            assert_eq!(render(&event), expected);
        }
    }

    #[test]
    fn bodies_spell_two_ids_twice_unless_strict() {
        let endpoint = EndpointId::Subscription(AppId::trusted("demo"), SubscriptionId::trusted("ab12"));
        let event = |payload: &str| ("c\"1".to_string(), payload.to_string());
        for (payloads, contents) in [
            (&[r#"{"Event":"ChannelEvent"}"#, r#"{"Event":"UserEvent","n":1.0}"#][..], r#"{"Event":"ChannelEvent"},{"Event":"UserEvent","n":1.0}"#),
            (&["broken", r#"{"Event":"UserEvent"}"#], r#"{"Event":"UserEvent"}"#),
        ] {
            let events: Vec<_> = payloads.iter().map(|p| event(p)).collect();
            let delivery = DeliveryId("d1".into());
            let freezing = Freezing { delivery: &delivery, endpoint: &endpoint, at: AT, events: &events };
            for (strict, ids) in [
                (false, r#""SubscribeId":"ab12","SubscribeID":"ab12","AppId":"demo","ChannelId":"c\"1","ChannelID":"c\"1""#),
                (true, r#""SubscribeId":"ab12","AppId":"demo","ChannelId":"c\"1""#),
            ] {
                let body = String::from_utf8(freeze(&freezing, strict)).unwrap();
                assert_eq!(body, format!(r#"{{"MsgId":"d1","MsgTimestamp":1700000000,{ids},"Contents":[{contents}]}}"#));
            }
        }
    }

    #[test]
    fn headers_are_signed_for_the_domain_without_the_port() {
        let app = App { key: "abckey".into(), ..fake::app("demo") };
        for url in ["http://cb.example.com/cb?x=1", "https://CB.example.com:8443/"] {
            let expected =
                [("Content-Type", "application/json"), ("Ali-Rtc-Timestamp", "1700000000"), ("Ali-Rtc-Signature", "0581ab213b746c12dd8e76af78a900b6")];
            assert_eq!(headers(url, &app, AT), expected.map(|(n, v)| (n, v.to_string())));
        }
        assert!(is_success(200) && !is_success(204) && !is_success(302));
    }
}

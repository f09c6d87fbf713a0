//! The events in a callback's body, a line each.

use serde_json::Value;

/// One line an event. The error says why it is none of the bodies of this cloud.
pub fn callback_in_words(body: &[u8]) -> Result<Vec<String>, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
    let mut lines = Vec::new();
    if let Some(eves) = body["eves"].as_array() {
        for eve in eves {
            for event in eve["events"].as_array().into_iter().flatten() {
                lines.push(live_event(text(&eve["uid"]), text(&eve["sid"]), event));
            }
        }
    } else if let Some(contents) = body["Contents"].as_array() {
        let channel = ["ChannelId", "ChannelID"].iter().find_map(|name| body[name].as_str()).unwrap_or("?");
        lines.extend(contents.iter().map(|content| rtc_event(channel, content)));
    } else if let Some(content) = body["content"].as_str() {
        lines.push(format!("may this be said? {content:?}"));
    } else {
        return Err("the body is none that is known here".into());
    }
    Ok(lines)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

fn live_event(user: &str, sid: &str, event: &Value) -> String {
    let group = text(&event["g"]);
    match event["e"].as_i64() {
        Some(1) => format!("{user} logged on (sid {sid})"),
        Some(2) => match event["r"].as_i64() {
            Some(1) => format!("{user} logged off"),
            Some(3) => format!("{user} was logged off: not heard of for too long"),
            Some(4) => format!("{user} was logged off: logged on from elsewhere"),
            other => format!("{user} logged off, reason {other:?}"),
        },
        Some(3) => format!("{user} joined {group}"),
        Some(4) => format!("{user} left {group}"),
        Some(5) => {
            let groups: Vec<&str> = event["gs"].as_array().into_iter().flatten().map(text).collect();
            if groups.is_empty() { format!("{user} came back (sid {sid})") } else { format!("{user} came back, still in {}", groups.join(", ")) }
        }
        _ => format!("{user}: an unknown event {event}"),
    }
}

fn rtc_event(channel: &str, content: &Value) -> String {
    if let Some(event) = content.get("ChannelEvent") {
        return match text(&event["EventTag"]) {
            "Open" => format!("channel {channel} opened"),
            "Close" => format!("channel {channel} closed"),
            tag => format!("channel {channel}: {tag}"),
        };
    }
    let event = &content["UserEvent"];
    let user = text(&event["UserId"]);
    let role = match event["Role"].as_i64() {
        Some(1) => " as a streamer",
        Some(2) => " as a viewer",
        _ => "",
    };
    let medias = event["CurrentMedias"].as_str().map(medias);
    let now = medias.as_ref().map(|all| format!(" (now {})", if all.is_empty() { "nothing" } else { all })).unwrap_or_default();
    match (text(&event["EventTag"]), event["Reason"].as_i64()) {
        ("Join", Some(2)) => {
            let publishing = medias.filter(|all| !all.is_empty()).map(|all| format!(", publishing {all}")).unwrap_or_default();
            format!("{user} joined channel {channel} again{role}{publishing}")
        }
        ("Join", Some(3)) => format!("{user} joined channel {channel}{role}: relayed from another channel"),
        ("Join", _) => format!("{user} joined channel {channel}{role}"),
        ("Leave", Some(3)) => format!("{user} left channel {channel}: relayed no longer"),
        ("Leave", Some(4)) => format!("{user} left channel {channel}: not heard of for too long"),
        ("Leave", Some(5)) => format!("{user} left channel {channel}: logged on from elsewhere"),
        ("Leave", Some(6)) => format!("{user} left channel {channel}: removed"),
        ("Leave", Some(7)) => format!("{user} left channel {channel}: it was closed"),
        ("Leave", _) => format!("{user} left channel {channel}"),
        ("Roleupdate", _) => format!("{user} is in channel {channel} now{role}"),
        (tag, _) => match (tag.strip_prefix("Publish"), tag.strip_prefix("Unpublish")) {
            (Some(media), _) => format!("{user} publishes {} in channel {channel}{now}", media.to_lowercase()),
            (_, Some(media)) => format!("{user} stopped publishing {} in channel {channel}{now}", media.to_lowercase()),
            _ => format!("{user}: {tag} in channel {channel}"),
        },
    }
}

/// `1,3` → `audio, screen`.
fn medias(numbers: &str) -> String {
    let one = |number| match number {
        "1" => "audio",
        "2" => "video",
        "3" => "screen",
        other => other,
    };
    numbers.split(',').map(one).collect::<Vec<_>>().join(", ")
}

/*
 * Copyright (c) lautan.lvs contributors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Managed by Ansible (lautan.lvs.web)
 *
 * Signed tokens for the rooms of a conference, and credentials for TURN. They say until when they are good, so that nothing has
 * to be kept, and any real server's is good on every other one.
 *
 * It runs in nginx (njs 0.7.9 or later), which reads the settings as root when it reads its configuration. The workers cannot
 * read the file again.
 */
import crypto from 'crypto';
import settings from 'settings.js';

function signature(secret, text) {
    return crypto.createHmac('sha1', secret).update(text).digest('base64');
}

// Janus knows two: one for the server, which names the plugin that may be used, and one for a room of that plugin.
function signed(words) {
    const text = words.join(',');
    return text + ':' + signature(settings.tokenSecret, text);
}

function answer(r) {
    const now = Math.floor(Date.now() / 1000);
    const expires = now + settings.seconds;
    const plugin = 'janus.plugin.videoroom';
    // coturn counts what each user has: one that two people share would lock them out.
    const user = expires + ':' + Math.random().toString(36).slice(2);
    r.headersOut['Content-Type'] = 'application/json';
    r.return(200, JSON.stringify({
        token: signed([expires, 'janus', plugin]),
        room_token: signed([expires, plugin, 'room=' + r.variables.room]),
        expires: expires,
        refresh: Math.floor(settings.seconds / 2),
        ice: [{urls: settings.turnUrls, username: user, credential: signature(settings.turnSecret, user)}],
    }));
}

export default {answer};

// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a text may be a secret is not shown.
#include <base/masked.h>
#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(MaskedTest, AnAddressIsItsSchemeHostAndPort) {
  for (const auto& [text, shown] : {
           std::pair{"rtmp://live.example/app/KEY", "rtmp://live.example"},
           {"rtmps://live.example:443/app/KEY?token=KEY", "rtmps://live.example:443"},
           {"https://user:KEY@hooks.example/", "https://hooks.example"},
           {"https://KEY@hooks.example", "https://hooks.example"},
           {"srt://[2001:db8::1]:9000?streamid=#!::u=KEY&passphrase=KEY", "srt://[2001:db8::1]:9000"},
           {"srt://:7001?passphrase=KEY", "srt://:7001"},
           {"https://b\xc3\xbc.example/KEY", "https://b\xc3\xbc.example"},
           // Nobody can tell what the host is.
           {"rtmp://user:12345/KEY@live.example/app", "?"},
           {"https://user:KEY#KEY@live.example", "?"},
           {"http://host:KEY/", "?"},
           {"http://[::1/KEY", "?"},
           {"http://", "?"},
           {"http:///KEY", "?"},
           {"KEY", "?"},
       })
    EXPECT_EQ(shown_address(text), shown) << text;
}

TEST(MaskedTest, NoAddressInATextShowsMore) {
  for (const auto& [text, shown] : {
           std::pair{"output: Could not connect to RTMP stream \"rtmp://a.example/app/KEY\" for writing",
                     "output: Could not connect to RTMP stream \"rtmp://a.example/***\" for writing"},
           {"rtmp://a.example/app/KEY", "rtmp://a.example/***"},
           {"(srt://a.example:9000?streamid=KEY,KEY&passphrase=KEY): refused, or",
            "(srt://a.example:9000/***): refused, or"},
           // With options behind it, as librtmp takes them; with its own mark in it; without an end.
           {"to 'rtmp://a.example/app live=1 KEY' it", "to 'rtmp://a.example/***' it"},
           {"to 'rtmp://a.example/KEY'KEY', too", "to 'rtmp://a.example/***', too"},
           {R"({"url":"https://a.example/KEY","n":"x"})", R"({"url":"https://a.example/***","n":"x"})"},
           {R"(location=(string)\"rtmp://a.example/KEY\ KEY\")",
            R"(location=(string)\"rtmp://a.example/***\")"},
           {"to \"rtmp://a.example/app/KEY KEY", "to \"rtmp://a.example/***"},
           {"\xe2\x80\x9ertmp://a.example/KEY\xe2\x80\x9c kaputt", "\xe2\x80\x9ertmp://a.example/*** kaputt"},
           {"from https://u:KEY@a.example/x to rtmp://KEY@b.example:1935/y/KEY.",
            "from https://a.example/*** to rtmp://b.example:1935/***."},
           {"at rtmp://u:1/KEY@a.example/app, then", "at rtmp://***, then"},
           {"at ://a.example/KEY", "at ://a.example/***"},
           {"Redirect to: http://a.example/?u=rtmp://b.example/KEY", "Redirect to: http://a.example/***"},
           // Nothing in it is a secret.
           {"rtmp://a.example:1935: refused; tcp://[::1]:80, too",
            "rtmp://a.example:1935: refused; tcp://[::1]:80, too"},
           {"Could not open file:///data/a.ts, /data/b.ts, a://",
            "Could not open file:///data/a.ts, /data/b.ts, a://"},
       }) {
    EXPECT_EQ(masked(text), shown);
    EXPECT_EQ(masked(shown), shown) << "masked twice";
  }
}

TEST(MaskedTest, NorDoesAValueOfAName) {
  for (const auto& [text, shown] : {
           std::pair{"passphrase=KEY, latency=125", "passphrase=***, latency=125"},
           {"srtsink passphrase=(string)\"KEY KEY\" latency=125",
            "srtsink passphrase=(string)\"***\" latency=125"},
           {"passphrase=(KEY)KEY", "passphrase=***"},
           {"rtmp://a.example/app playpath=KEY live=1", "rtmp://a.example/*** playpath=*** live=1"},
           {"stream-key='KEY' Access_Token=KEY", "stream-key='***' Access_Token=***"},
           {"streamid=#!::r=7,u=KEY", "streamid=***"},
           {"passphrase = KEY, key-int-max = 60", "passphrase = ***, key-int-max = 60"},
           {"key-int-max=60 token= x", "key-int-max=60 token= x"},
       }) {
    EXPECT_EQ(masked(text), shown);
    EXPECT_EQ(masked(shown), shown) << "masked twice";
  }
}

}  // namespace
}  // namespace headgate

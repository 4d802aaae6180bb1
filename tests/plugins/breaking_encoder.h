// SPDX-License-Identifier: LGPL-2.1-or-later
// x264enc under the name of an encoder that no machine of ours has, which breaks when it is told to.
#pragma once

#include <climits>

namespace headgate::test {

class BreakingEncoder {
 public:
  enum class Hang { no, drains, blocks, swallows, slows };
  // From now on in this process, element nvh264enc, until forget(). It fails after so many frames; -1: never;
  // or does so with many more inside, that come out afterwards. Or it hangs then: it does not come back until
  // let_go(), or takes pictures and gives nothing; or it takes kSlowMs for each picture, until let_go().
  // Only the first `hanging` that are made do, behind the first `sound` of them.
  static constexpr int kSlowMs = 200;
  static void use(int frames, Hang hang = Hang::no, int hanging = INT_MAX, int sound = 0);
  static void let_go();         // all of them, which are sound from then on
  static void hold(Hang hang);  // they block, or are slow, again
  static void forget();
  // Likewise fdkaacenc, of sound, until forget_sound().
  static void use_sound(int frames);
  static void forget_sound();
  static int alive();    // how many of video there are
  static int drained();  // how many of video have come to their end since use()
};

}  // namespace headgate::test

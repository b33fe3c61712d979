/* SPDX-License-Identifier: Apache-2.0
 *
 * The program that a whole room is linked into, to see that it calls nothing but what it may: see
 * tests/local.mk. With CALL it calls that function, which stands in another room. */
#ifdef CALL
void CALL(void);
#endif

int main(void)
{
#ifdef CALL
    CALL();
#endif
    return 0;
}
